"""Install what the sandbox's systems need from Debian, all at once; says what is missing where it cannot."""

from __future__ import annotations

import sys

from sandbox import packages
from sandbox.errors import SandboxError
from sandbox.registry import SYSTEMS, load
from sandbox.system import sandbox_root

# What tests need beside the systems themselves: Celery's broker.
BESIDE = ("redis-server",)


def main() -> int:
    """0 also where something stays missing: the tests of those systems then say why they are skipped."""
    wanted = sorted({*BESIDE, *(name for system in SYSTEMS for name in load(system, sandbox_root()).apt)})
    missing = packages.missing_debian_packages(wanted)
    if missing and not packages.can_install():
        print(f"Not tested here, for want of root: as root, apt-get install {' '.join(missing)}", file=sys.stderr)
        return 0
    if missing:
        print(f"Installing Debian packages: {' '.join(missing)}", file=sys.stderr)
    try:
        packages.install_debian_packages(wanted)
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
