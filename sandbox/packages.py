"""Installs what a system needs: Debian packages and hash-locked Python packages in an environment of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.errors import SandboxError

REQUIREMENTS = Path(__file__).parent / "requirements"
START_POLICY = Path("/usr/sbin/policy-rc.d")

_one_at_a_time = threading.Lock()


def missing_debian_packages(names: Sequence[str]) -> list[str]:
    if not names or not shutil.which("dpkg-query"):
        return list(names)
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    installed = {line.split()[0] for line in asked.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_debian_packages(names: Sequence[str]) -> None:
    missing = missing_debian_packages(names)
    if not missing:
        return
    if not can_install():
        raise SandboxError(
            f"These Debian packages are missing: {' '.join(missing)}.",
            remedy=f"Install them: sudo apt-get install --no-install-recommends {' '.join(missing)}",
        )
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "-y", "-q", "--no-install-recommends", "install", *missing]
    with _one_at_a_time, _services_held_back():
        if _apt(command).returncode != 0:
            _apt(["apt-get", "-o", "DPkg::Lock::Timeout=600", "-q", "update"])
            run(command, env=_APT_ENV, what=f"apt-get install {' '.join(missing)}")


_APT_ENV = {"DEBIAN_FRONTEND": "noninteractive"}


def _apt(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, env={**os.environ, **_APT_ENV}, capture_output=True, text=True)


@contextmanager
def _services_held_back() -> Iterator[None]:
    """Debian starts a service when it is installed, on its public port; the sandbox brings its own instead."""
    if START_POLICY.exists():
        yield
        return
    START_POLICY.write_text("#!/bin/sh\nexit 101\n")
    START_POLICY.chmod(0o755)
    try:
        yield
    finally:
        START_POLICY.unlink(missing_ok=True)


def install_lock(lock: str, venv: Path) -> None:
    """An environment that matches the lock file exactly; nothing is done when it was made from this very file."""
    source = REQUIREMENTS / lock
    mark = venv / "installed-from"
    fingerprint = f"{hashlib.sha256(source.read_bytes()).hexdigest()} {sys.version.split()[0]}"
    if mark.exists() and mark.read_text() == fingerprint:
        return
    uv = [sys.executable, "-m", "uv"]
    run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)], what=f"making {venv}")
    install = ["pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), "--require-hashes"]
    run([*uv, *install, "-r", str(source)], what=f"installing {lock}")
    mark.write_text(fingerprint)


def run(
    argv: Sequence[str | Path],
    *,
    what: str,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
    stdin: str | None = None,
    allowed: Sequence[int] = (),
) -> str:
    """The output of a command; an exit code neither 0 nor allowed is a SandboxError with the end of what it said."""
    command = [str(part) for part in argv]
    if user is not None:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    done = subprocess.run(
        command, check=False, env={**os.environ, **(env or {})}, cwd=cwd, input=stdin, capture_output=True, text=True
    )
    if done.returncode not in (0, *allowed):
        said = "\n    ".join((done.stdout + done.stderr).splitlines()[-15:])
        raise SandboxError(f"{what} failed with exit code {done.returncode}:\n    {said}")
    return done.stdout
