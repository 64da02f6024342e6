"""OpenSSH's server with nothing but SFTP: one folder, one account, which signs in with a key."""

from __future__ import annotations

import getpass
import pwd
import shutil
from pathlib import Path
from typing import ClassVar

from sandbox import packages
from sandbox.company import Company
from sandbox.errors import SandboxError
from sandbox.processes import Process, answers, unprivileged_user
from sandbox.system import Connections, Health, System

CONFIGURATION = """\
Port {port}
ListenAddress 127.0.0.1
PidFile none
# Without it an account that has no password counts as locked.
UsePAM yes
PasswordAuthentication no
AllowUsers {user}
HostKey {home}/etc/host_key
AuthorizedKeysFile {home}/etc/authorized_keys
# The folders above are another user's.
StrictModes no
Subsystem sftp internal-sftp
ForceCommand internal-sftp
AllowTcpForwarding no
"""


class Sshd(System):
    name: ClassVar[str] = "sshd"
    apt: ClassVar[tuple[str, ...]] = ("openssh-server", "openssh-client")

    @property
    def folder(self) -> Path:
        """What is offered; files in it belong to the account."""
        return self.home / "exchange"

    def start(self) -> None:
        process = self._process()
        if not process.running():
            self.port()
            self._configure()
        process.start(lambda: answers(self.facts()["port"]))

    def seed(self, company: Company) -> None:
        """The staff as a program for wages would leave it there."""
        if self.is_done("seed"):
            return
        lines = [f"{person.number};{person.full_name};{person.email}" for person in company.people]
        (self.folder / "staff.csv").write_text("\r\n".join(["number;name;mail", *lines, ""]))
        self.hand_over(self.folder)
        self.done("seed")

    def stop(self) -> None:
        self._process().stop()

    def health(self) -> Health:
        if not self.installed():
            return Health("absent")
        port = self.facts().get("port", 0)
        return Health("up", f"OpenSSH at port {port}") if answers(port) else Health("down", f"Port {port} is closed.")

    def connections(self) -> Connections:
        settings = self.home / "etc"
        files = {
            "conn_type": "landbridge_files",
            "host": f"sftp://127.0.0.1:{self.facts()['port']}{self.folder}",
            "login": _account(),
            "extra": {
                "private_key": (settings / "user_key").read_text(),
                "host_key": (settings / "host_key.pub").read_text().strip(),
            },
        }
        return {"exchange": files}

    def _process(self) -> Process:
        # -D keeps it in the foreground, under its supervisor; -e sends its log there.
        command: list[str | Path] = [_program(), "-D", "-e", "-f", self.home / "etc" / "sshd_config"]
        return Process(self.home, self.name, command, user=unprivileged_user())

    def _configure(self) -> None:
        settings = self.home / "etc"
        for folder in (settings, self.folder):
            folder.mkdir(exist_ok=True)
        for name in ("host_key", "user_key"):
            if not (settings / name).exists():
                command: list[str | Path] = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", settings / name]
                packages.run(command, what="making a key")
        (settings / "authorized_keys").write_text((settings / "user_key.pub").read_text())
        text = CONFIGURATION.format(port=self.facts()["port"], user=_account(), home=self.home)
        (settings / "sshd_config").write_text(text)
        self.hand_over(settings)
        self.hand_over(self.folder)


def _account() -> str:
    """The one that the server runs as: without root it can sign in nobody else."""
    user = unprivileged_user()
    return getpass.getuser() if user is None else pwd.getpwuid(user).pw_name


def _program() -> str:
    """By its full path, as it demands; Debian keeps it where an ordinary user's search path does not lead."""
    found = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:/usr/bin")
    if not found:
        raise SandboxError("sshd is not on this machine.", remedy="Install the Debian package openssh-server.")
    return found
