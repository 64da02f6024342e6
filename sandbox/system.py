"""What every sandbox system offers, and what all of them share: a home folder, kept facts, ports and secrets."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from sandbox import packages, processes
from sandbox.company import Company
from sandbox.errors import SandboxError

Connections = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Health:
    """`absent` means never installed here; `down` that it does not answer, whatever its processes do."""

    state: Literal["up", "down", "absent"]
    detail: str = ""


# A checkout below /root is closed to the servers that refuse to run as root; their data then lie here.
ENTERABLE = Path("/var/lib/landbridge")


def sandbox_root() -> Path:
    """Where all state lies; another LANDBRIDGE_SANDBOX is another sandbox, with its own servers and ports."""
    named = os.environ.get("LANDBRIDGE_SANDBOX")
    if named:
        return Path(named).absolute()
    beside = _beside_the_code()
    if beside.exists() or processes.unprivileged_user() is None or not closed_to_others(beside):
        return beside.resolve()
    return ENTERABLE / f"sandbox-{zlib.crc32(str(beside).encode()):08x}"


def make_root(root: Path) -> None:
    """Where it is not beside the code, a link there leads to it."""
    root.mkdir(parents=True, exist_ok=True)
    beside = _beside_the_code()
    if root.parent == ENTERABLE and root == sandbox_root() and not beside.is_symlink():
        beside.symlink_to(root)


def closed_to_others(path: Path) -> Path | None:
    """The folder above that keeps other users from it."""
    closed = (above for above in path.absolute().parents if above.exists() and not above.stat().st_mode & stat.S_IXOTH)
    return next(closed, None)


def _beside_the_code() -> Path:
    checkout = Path(__file__).absolute().parent.parent
    return (checkout if (checkout / "pyproject.toml").exists() else Path.cwd()) / ".sandbox"


def write_private(path: Path, data: Mapping[str, Any]) -> None:
    """Secrets are inside: the file is never readable to others, not even for a moment."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(data, file, indent=2, sort_keys=True)
    draft.replace(path)


class System(ABC):
    """One outside product on this machine. Every method may be called again at any time."""

    name: ClassVar[str]
    apt: ClassVar[tuple[str, ...]] = ()
    lock: ClassVar[str | None] = None

    def __init__(self, home: Path) -> None:
        self.home = home

    def install(self) -> None:
        """Quick when nothing is to do."""
        packages.install_debian_packages(self.apt)
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o755)
        if self.lock:
            packages.install_lock(self.lock, self.venv)

    @abstractmethod
    def start(self) -> None:
        """Returns when the product answers; a SandboxError with the end of its log otherwise."""

    @abstractmethod
    def seed(self, company: Company) -> None:
        """Fills the product through its own API, once."""

    @abstractmethod
    def stop(self) -> None:
        """Ends every process of the product."""

    @abstractmethod
    def health(self) -> Health:
        """Asks the product itself, not only the process table."""

    @abstractmethod
    def connections(self) -> Connections:
        """Airflow connections by id: conn_type, host (base URL), login, password, extra."""

    # Shared means for the above

    @property
    def venv(self) -> Path:
        return self.home / "venv"

    def cannot_install(self) -> str:
        """Why this machine cannot have it, and what would help; empty where it can."""
        missing = packages.missing_debian_packages(self.apt)
        if not missing or packages.can_install():
            return ""
        return f"These Debian packages are missing, and only root can install them: apt-get install {' '.join(missing)}"

    def installed(self) -> bool:
        return self.home.exists() and not packages.missing_debian_packages(self.apt)

    def facts(self) -> dict[str, Any]:
        """Addresses, logins and secrets, kept from the first start on in a file that only its owner may read."""
        try:
            return dict(json.loads((self.home / "facts.json").read_text()))
        except FileNotFoundError:
            return {}

    def remember(self, **facts: Any) -> None:
        write_private(self.home / "facts.json", {**self.facts(), **facts})

    def secret(self, name: str) -> str:
        """A random secret, made at the first call and the same ever after."""
        if name not in self.facts():
            # A letter first: what begins with a dash a command line would take for an option.
            self.remember(**{name: f"s{secrets.token_urlsafe(24)}"})
        return str(self.facts()[name])

    def port(self, name: str = "port") -> int:
        """The loopback port to listen on: call it only before a start. It moves when another program has taken it."""
        facts = self.facts()
        mine = [value for key, value in facts.items() if key.endswith("port") and key != name]
        first_choice = processes.PORTS.start + zlib.crc32(f"{self.home.absolute()}/{name}".encode()) % 10000
        port = processes.free_port(facts.get(name, first_choice), taken=mine)
        if facts.get(name) != port:
            self.remember(**{name: port})
        return port

    def is_done(self, step: str) -> bool:
        return (self.home / f"{step}.done").exists()

    def done(self, step: str) -> None:
        """Marks a one-time step; call it after the step, so that an interrupted one is repeated."""
        (self.home / f"{step}.done").touch()

    def hand_over(self, path: Path) -> None:
        """Gives a folder and all in it to the unprivileged user, if this program is root."""
        user = processes.unprivileged_user()
        if user is None:
            return
        if closed := closed_to_others(path):
            raise SandboxError(
                f"{self.name} does not run as root, and other users may not enter {closed}.",
                remedy="Set LANDBRIDGE_SANDBOX to a folder that everyone may enter, such as /var/lib/landbridge.",
            )
        shutil.chown(path, user, user)
        for folder, folders, files in os.walk(path):
            for entry in (*folders, *files):
                os.chown(Path(folder) / entry, user, user, follow_symlinks=False)
