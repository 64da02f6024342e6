"""MediaWiki, the company's wiki, on SQLite and PHP's own web server."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import ClassVar

import requests

from sandbox import mediawiki_seed, packages, php_server, processes
from sandbox.company import Company, halbrueck
from sandbox.errors import SandboxError
from sandbox.mediawiki_client import MediaWikiClient, MediaWikiError
from sandbox.processes import Process
from sandbox.system import Connections, Health, System

PROGRAM = Path("/usr/share/mediawiki")
ADMIN, BOT, APP = "Admin", "Landbridge", "hub"
# The names of the wiki's packages of rights, cut down further by what the group `landbridge` may do.
GRANTS = "basic,highvolume,editpage,createeditmovepage,uploadfile,delete,viewdeleted"


class MediaWiki(System):
    name: ClassVar[str] = "mediawiki"
    apt: ClassVar[tuple[str, ...]] = (
        "php-cli", "php-sqlite3", "php-mbstring", "php-xml", "php-intl", "php-curl", "diffutils", "mediawiki",
    )  # fmt: skip

    def install(self) -> None:
        super().install()
        self._scripts.mkdir(exist_ok=True)
        # Copied, because other users may be unable to enter the folder of this checkout.
        for script in ("settings", "router"):
            shutil.copyfile(php_server.PHP_FILES / f"mediawiki_{script}.php", self._scripts / f"{script}.php")
        self.hand_over(self._scripts)
        if not self.is_done("setup"):
            self._set_up()
            self.done("setup")

    def start(self) -> None:
        if not self._web().running():
            self.port()
        self._web().start(lambda: self.health().state == "up")
        if not self.is_done("bot"):
            self._make_bot()
            self.done("bot")

    def stop(self) -> None:
        self._web().stop()

    def health(self) -> Health:
        if not self.is_done("setup"):
            return Health("absent")
        if "port" not in self.facts() or not self._web().running():
            return Health("down", "not started")
        try:
            MediaWikiClient(self.url, "", "").ping()
        except (requests.RequestException, MediaWikiError) as error:
            return Health("down", type(error).__name__)
        return Health("up", self.url)

    def seed(self, company: Company) -> None:
        if not self.is_done("seed"):
            mediawiki_seed.fill(self.admin(), company, self.secret("people_password"))
            self.done("seed")

    def connections(self) -> Connections:
        return {
            "wiki": {
                "conn_type": "landbridge_mediawiki",
                "host": self.url,
                "login": f"{BOT}@{APP}",
                "password": self.facts()["bot_password"],
                "extra": {},
            }
        }

    # For the demo and the tests

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.facts()['port']}"

    def admin(self) -> MediaWikiClient:
        return MediaWikiClient(self.url, ADMIN, self.secret("admin_password"))

    def integration(self) -> MediaWikiClient:
        """The account that Landbridge uses, with no more rights than it needs."""
        return MediaWikiClient(self.url, f"{BOT}@{APP}", self.facts()["bot_password"])

    def acting_as(self, login: str) -> MediaWikiClient:
        """A colleague by user name, such as anna.mueller; who has no account in the wiki yet is given one."""
        person = halbrueck().by_user_name[login]
        if person not in halbrueck().in_chat():
            mediawiki_seed.ensure_account(self.admin(), person, self.secret("people_password"))
        return MediaWikiClient(self.url, person.full_name, self.secret("people_password"))

    # Installation

    @property
    def _data(self) -> Path:
        return self.home / "data"

    @property
    def _scripts(self) -> Path:
        return self.home / "php"

    def _set_up(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        for folder in (self._data, self._data / "cache", self._data / "images"):
            folder.mkdir()
        password = self._data / "password"
        password.touch(0o600)
        password.write_text(self.secret("admin_password"))
        self.hand_over(self._data)
        # --conf names no file: another wiki of this machine may have settings of its own, which would count as ours.
        self._maintain(
            "install", "--conf", str(self._data / "none"), "--confpath", str(self._data), "--dbtype", "sqlite",
            "--dbpath", str(self._data), "--dbname", "wiki", "--server", "http://127.0.0.1", "--scriptpath", "",
            "--skins", "Vector", "--passfile", str(password), "Wiki", ADMIN,
        )  # fmt: skip
        password.unlink()
        (self._data / "LocalSettings.php").unlink()

    def _make_bot(self) -> None:
        admin = self.admin()
        mediawiki_seed.ensure_bot(admin, BOT, self.secret("bot_account_password"))
        told = self._maintain("createBotPassword", "--appid", APP, "--grants", GRANTS, BOT, env=self._environment())
        password = re.search(r"password:'([^']+)'", told)
        if not password:
            raise SandboxError("MediaWiki's createBotPassword.php did not say the password.")
        self.remember(bot_password=password[1])

    def _maintain(self, script: str, *arguments: str, env: dict[str, str] | None = None) -> str:
        command: list[str | Path] = [
            "php",
            *php_server.options(),
            PROGRAM / "maintenance" / f"{script}.php",
            *arguments,
        ]
        user = processes.unprivileged_user()
        return packages.run(command, what=f"MediaWiki's {script}.php", env=env, cwd=self.home, user=user)

    # The process

    def _web(self) -> Process:
        port, router = self.facts().get("port", 0), self._scripts / "router.php"
        return php_server.server(self.home, port, PROGRAM, router, self._environment())

    def _environment(self) -> dict[str, str]:
        return {
            "MW_CONFIG_FILE": str(self._scripts / "settings.php"),
            "SANDBOX_URL": f"http://127.0.0.1:{self.facts().get('port', 0)}",
            "SANDBOX_DATA": str(self._data),
            "SANDBOX_SECRET": self.secret("site_secret"),
        }
