"""Dovecot and a mail transport (aiosmtpd), the company's e-mail: a mailbox for everybody, and two mailing lists."""

from __future__ import annotations

import getpass
import os
import shutil
import smtplib
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar

from sandbox.company import Company, halbrueck
from sandbox.errors import SandboxError
from sandbox.processes import NOBODY, Process, answers
from sandbox.system import Connections, Health, System, write_private

DOMAIN = "halbrueck.example"
HOST = f"mail.{DOMAIN}"
HUB = Path(__file__).parent / "mail_hub.py"
LISTS = {"it-help": "IT-Hilfe", "works": "Werk"}
MEMBERS = 3

CONFIGURATION = """\
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_max_userip_connections = 100
mail_location = maildir:{home}/mail/%u
first_valid_uid = 1
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    auto = create
  }}
{mailboxes}
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {home}/passwd
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
{unprivileged_login}
}}
{unprivileged}
"""
# Without root no other user can be taken, and no folder be made the root.
UNPRIVILEGED_LOGIN = "  chroot =\n"
UNPRIVILEGED = """\
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class Dovecot(System):
    name: ClassVar[str] = "dovecot"
    apt: ClassVar[tuple[str, ...]] = ("dovecot-imapd",)
    lock: ClassVar[str | None] = "mail.txt"
    configuration: ClassVar[str] = CONFIGURATION

    def start(self) -> None:
        if not self._imap().running():
            self.port()
            self._configure()
        self._imap().start(lambda: answers(self.facts()["port"]))
        if not self._smtp().running():
            self.port("smtp_port")
            write_private(self.home / "hub.json", self.settings())
        self._smtp().start(lambda: answers(self.facts()["smtp_port"]))

    def seed(self, company: Company) -> None:
        """One conversation on each list, by the colleagues' own accounts."""
        if self.is_done("seed"):
            return
        for number, name in enumerate(LISTS):
            asks, answers_ = company.people[number], company.people[number + 2]
            root = self.send(asks.user_name, name, f"Welcome to {name}", "What shall we talk about here?")
            self.send(answers_.user_name, name, f"Re: Welcome to {name}", "Whatever matters. 👍", answers=root)
        self.done("seed")

    def stop(self) -> None:
        self._smtp().stop()
        self._imap().stop()

    def health(self) -> Health:
        if not self.installed():
            return Health("absent")
        facts = self.facts()
        for what in ("port", "smtp_port"):
            if not answers(facts.get(what, 0)):
                return Health("down", f"Nothing answers at port {facts.get(what, '?')}.")
        return Health("up", f"Dovecot at imap://127.0.0.1:{facts['port']}, SMTP at port {facts['smtp_port']}")

    def connections(self) -> Connections:
        facts = self.facts()
        lists = [
            {
                "mailbox": f"Lists/{name}",
                "address": f"{name}@{DOMAIN}",
                "name": shown,
                "visibility": "public",
                "guests": False,
            }
            for name, shown in LISTS.items()
        ]
        mail = {
            "conn_type": "landbridge_email",
            "host": f"imap://127.0.0.1:{facts.get('port', 0)}",
            "login": "landbridge",
            "password": self.secret("landbridge_password"),
            "extra": {
                "lists": lists,
                "smtp": f"smtp://127.0.0.1:{facts.get('smtp_port', 0)}",
                "sender": f"landbridge@{DOMAIN}",
                "authserv": HOST,
            },
        }
        return {"mail": mail}

    def send(self, login: str, to: str, subject: str, text: str, *, answers: str = "", **headers: str) -> str:
        """Writes to a list (or an address) as a colleague; returns the mail's Message-ID."""
        mail = EmailMessage()
        address = f"{login}@{DOMAIN}"
        person = next((one for one in halbrueck().people if one.user_name == login), None)
        mail["From"] = f"{person.full_name} <{address}>" if person else address
        mail["To"] = to if "@" in to else f"{to}@{DOMAIN}"
        mail["Subject"] = subject
        number = int(self.facts().get("sent", 0)) + 1
        self.remember(sent=number)
        mail["Message-ID"] = f"<{number}.{login}@{DOMAIN}>"
        if answers:
            mail["In-Reply-To"] = mail["References"] = answers
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        self.submit(login, mail)
        return str(mail["Message-ID"])

    def submit(self, login: str, mail: EmailMessage) -> None:
        with smtplib.SMTP("127.0.0.1", self.facts()["smtp_port"], timeout=30) as smtp:
            smtp.login(login, self._passwords()[login])
            smtp.send_message(mail)

    def _passwords(self) -> dict[str, str]:
        everyone = {person.user_name: self.secret("people_password") for person in halbrueck().people}
        return {"landbridge": self.secret("landbridge_password"), **everyone}

    def settings(self) -> dict[str, Any]:
        """What the transport has to know."""
        members = [person.user_name for person in halbrueck().people[:MEMBERS]]
        lists = {f"{name}@{DOMAIN}": {"mailbox": f"Lists/{name}", "members": members} for name in LISTS}
        facts = self.facts()
        return {
            "host": HOST, "domain": DOMAIN, "imap": facts["port"], "smtp": facts["smtp_port"], "passwords": self._passwords(),
            "lists": lists,
        }  # fmt: skip

    def _imap(self) -> Process:
        command: list[str | Path] = [_program("dovecot"), "-F", "-c", self.home / "dovecot.conf"]
        return Process(self.home, self.name, command)

    def _smtp(self) -> Process:
        command: list[str | Path] = [self.venv / "bin" / "python", "-I", HUB, self.home / "hub.json"]
        return Process(self.home, "smtp", command)

    def _configure(self) -> None:
        for folder in ("run", "state", "mail"):
            (self.home / folder).mkdir(exist_ok=True)
        root = os.geteuid() == 0
        uid, gid = (NOBODY, NOBODY) if root else (os.geteuid(), os.getegid())
        self.hand_over(self.home / "mail")
        users = self.home / "passwd"
        users.touch(0o600)
        users.write_text("".join(f"{login}:{password}\n" for login, password in self._passwords().items()))
        if root:
            shutil.chown(users, "dovecot")
        names = {"user": getpass.getuser(), "group": str(gid)}
        text = self.configuration.format(
            home=self.home, port=self.facts()["port"], uid=uid, gid=gid,
            mailboxes="\n".join(f"  mailbox Lists/{name} {{\n    auto = create\n  }}" for name in LISTS),
            unprivileged_login="" if root else UNPRIVILEGED_LOGIN,
            unprivileged="" if root else UNPRIVILEGED.format(**names),
        )  # fmt: skip
        (self.home / "dovecot.conf").write_text(text)


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")
    if not found:
        raise SandboxError(f"{name} is not on this machine.", remedy="Install the Debian package dovecot-imapd.")
    return found
