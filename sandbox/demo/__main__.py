"""`make demo`: bring everything up, join it, play a day there, show what went where, and stay up until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.markup import escape

import sandbox
from sandbox import packages
from sandbox.demo import show
from sandbox.demo.company import Reduced, without
from sandbox.demo.joining import Joining
from sandbox.errors import SandboxError
from sandbox.registry import BRANCH, COMPANY, load
from sandbox.system import sandbox_root

console = Console()
# Without it scripts/setup has left out python-ldap, and nobody could read the directory.
PYTHON_LDAP = ("gcc", "libc6-dev", "python3-dev", "libldap2-dev", "libsasl2-dev")


def main() -> int:
    """0: every effect was seen in the products themselves; 1: something was not; 2: it did not come up."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="end by itself with an exit code (make demo CHECK=1)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    began = time.monotonic()
    code = 130  # where Ctrl-C ends it in the middle
    try:
        code = 0 if _demo(began, stays=not arguments.check) else 1
        if not arguments.check:
            console.print("\n[bold]Everything stays up. Ctrl-C ends it.[/]")
            signal.pause()
    except SandboxError as error:
        console.print(escape(str(error)), style="red")
        code = 2
    except KeyboardInterrupt:
        console.print()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        console.print("Ending all servers, which takes some seconds.")
        sandbox.down()
    return code


def _demo(began: float, *, stays: bool) -> bool:
    root = sandbox_root()
    absent = _left_out(root)
    show.heading("A company and its tools", "On loopback only. The first time takes some minutes.")
    names = tuple(name for name in (*COMPANY, BRANCH) if name not in absent)
    with show.coming_up() as report:
        sandbox.up(names, report, foreground=True)
        reduced = without(absent, root, branch=True)
        os.environ |= _environment(root, reduced)
        sandbox.up(("airflow",), report, foreground=True)
    return _play(root, reduced, absent, began, stays=stays)


def _play(root: Path, reduced: Reduced, absent: dict[str, list[str]], began: float, *, stays: bool) -> bool:
    """Where everything `stays` up, also where to look for oneself."""
    joining = Joining(root, reduced, console)
    show.heading("Joined", "Airflow reads every system and runs the flows until nothing waits.")
    joining.join()
    show.heading("A day at the company", "Done in one product, looked for in another through the product's own API.")
    events = joining.play()
    show.heading("And again", "A second run of every flow has nothing to do.")
    quiet = joining.again()
    show.table(events, time.monotonic() - began)
    show.left_out(absent, reduced.left_out)
    if stays:
        show.addresses(root, absent, _environment(root, reduced))
    good = quiet and all(event.seconds is not None for event in events)
    console.print("[bold green]Every effect was found.[/]" if good else "[bold red]Not everything was found.[/]")
    return good


def _environment(root: Path, reduced: Reduced) -> dict[str, str]:
    return {
        "LANDBRIDGE_HOME": str(reduced.home),
        "LANDBRIDGE_HUB": f"sqlite:///{root / 'hub.sqlite'}",
        "LANDBRIDGE_CONNECTIONS": str(root / "connections.json"),
    }


def _left_out(root: Path) -> dict[str, list[str]]:
    """Systems that this machine cannot have as things are: name → the Debian packages that would help."""
    absent = {}
    for name in COMPANY:
        missing = packages.missing_debian_packages(load(name, root).apt)
        if missing and not packages.can_install():
            absent[name] = missing
    if find_spec("ldap") is None:
        absent["slapd"] = absent.get("slapd", []) + packages.missing_debian_packages(PYTHON_LDAP)
    return absent


def _end(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
