"""Tryton 8.2 as HR and CRM: its own SQLite database in the home folder, prepared once and kept."""

from __future__ import annotations

import filecmp
import secrets
import shutil
from pathlib import Path
from typing import ClassVar

import requests

from sandbox import packages, tryton_seed
from sandbox.company import Company
from sandbox.processes import Process
from sandbox.system import Connections, Health, System
from sandbox.tryton_client import TrytonClient

DATABASE = "tryton"
MODULES = ("ir", "res", "party", "company", "sale_opportunity", "hr_department")
OWN_MODULES = Path(__file__).parent / "tryton_modules"
CONFIG = """\
[database]
uri = sqlite://
path = {folder}
list = False

[web]
listen = 127.0.0.1:{port}
"""


class Tryton(System):
    name: ClassVar[str] = "tryton"
    lock: ClassVar[str | None] = "tryton.txt"

    def install(self) -> None:
        """Making the database takes as long as everything else together, so it belongs to the installation."""
        super().install()
        self._add_own_modules()
        if not self.is_done("database"):
            self._make_database()
            self.done("database")

    def installed(self) -> bool:
        return super().installed() and self.is_done("database")

    def start(self) -> None:
        server = self._server()
        if not server.running():
            port = self.port()
            self.remember(url=f"http://127.0.0.1:{port}", database=DATABASE)
            self._write_config(port)
        server.start(self._answers)

    def seed(self, company: Company) -> None:
        if self.is_done("seed"):
            return
        accounts = ("hr", "crm", *(person.user_name for person in tryton_seed.owners(company)))
        self._passwords(*accounts)
        tryton_seed.seed(TrytonClient.of(self.facts()), company, self.facts())
        self.remember(keys={login: tryton_seed.application_key(self.client(login)) for login in tryton_seed.ACCOUNTS})
        self.done("seed")

    def stop(self) -> None:
        self._server().stop()

    def health(self) -> Health:
        if not self.installed():
            return Health("absent")
        url = self.facts().get("url", "")
        return Health("up", url) if url and self._answers() else Health("down", f"It does not answer at {url}.")

    def connections(self) -> Connections:
        """`application_key` is the bearer token of the REST interface; the accounts' passwords are not needed for it."""
        facts = self.facts()
        return {
            login: {
                "conn_type": "landbridge_tryton",
                "host": facts["url"],
                "login": login,
                "extra": {"database": facts["database"], "application_key": facts["keys"][login]},
            }
            for login in tryton_seed.ACCOUNTS
        }

    def client(self, account: str = "admin") -> TrytonClient:
        """A session as `admin`, `hr`, `crm` or the user name of a salesperson."""
        return TrytonClient.of(self.facts(), account)

    # Steps of the above

    @property
    def _config(self) -> Path:
        return self.home / "trytond.conf"

    def _write_config(self, port: int) -> None:
        self._config.write_text(CONFIG.format(folder=self.home, port=port), encoding="utf-8")

    def _server(self) -> Process:
        argv: list[str | Path] = [self.venv / "bin" / "trytond", "-c", self._config, "-d", DATABASE]
        return Process(self.home, "trytond", argv)

    def _add_own_modules(self) -> None:
        """Tryton's own packages put their modules into the same folder."""
        for folder in self.venv.glob("lib/python*/site-packages/trytond/modules"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(OWN_MODULES, folder, dirs_exist_ok=True, ignore=ignore, copy_function=_renewed)

    def _make_database(self) -> None:
        """A half-made database of an interrupted installation is thrown away."""
        file = self.home / f"{DATABASE}.sqlite"
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        self._write_config(0)
        packages.run(
            [self.venv / "bin" / "trytond-admin", "-c", self._config, "-d", DATABASE,
             "--email", "admin@sandbox.example", "-u", *MODULES, "--activate-dependencies"],
            env={"TRYTONPASSFILE": "/dev/stdin"}, stdin=self._passwords("admin")["admin"],
            what="making the Tryton database",
        )  # fmt: skip

    def _passwords(self, *accounts: str) -> dict[str, str]:
        passwords: dict[str, str] = {account: secrets.token_urlsafe(24) for account in accounts}
        passwords |= self.facts().get("passwords", {})
        self.remember(passwords=passwords)
        return passwords

    def _answers(self) -> bool:
        """The version is answered before the database is loaded; the first login waits for that."""
        body = {"id": 1, "method": "common.server.version", "params": []}
        try:
            answer = requests.post(f"{self.facts()['url']}/rpc/", json=body, timeout=5)
        except requests.RequestException:
            return False
        return answer.status_code == 200 and "result" in answer.json()


def _renewed(source: str, target: str) -> None:
    """Only where it is another: a running server may read it."""
    if not (Path(target).exists() and filecmp.cmp(source, target, shallow=False)):
        shutil.copy2(source, target)
