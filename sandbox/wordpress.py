"""WordPress, the company's intranet: MariaDB and PHP's own web server, both for this sandbox alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

import requests

from sandbox import packages, php_server, processes, wordpress_seed
from sandbox.company import Company
from sandbox.processes import Process
from sandbox.system import Connections, Health, System
from sandbox.wordpress_client import WordPressClient

PROGRAM = Path("/usr/share/wordpress")

# FLUSH PRIVILEGES because MariaDB installs itself without grant tables and would refuse to make accounts.
NEW_DATABASE = """FLUSH PRIVILEGES;
CREATE DATABASE wordpress CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE USER wordpress@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL ON wordpress.* TO wordpress@'127.0.0.1';
"""


class WordPress(System):
    name: ClassVar[str] = "wordpress"
    apt: ClassVar[tuple[str, ...]] = (
        "mariadb-server-core", "mariadb-client-core", "php-cli", "php-mysql", "php-mbstring",
        "php-xml", "php-curl", "wordpress", "wordpress-theme-twentytwentythree",
    )  # fmt: skip

    def install(self) -> None:
        super().install()
        self._link_program()
        if not self.is_done("database"):
            self._make_database()
            self.done("database")

    def start(self) -> None:
        database, web = self._database(), self._web()
        if not database.running():
            self.port("db_port")
        self._database().start(lambda: processes.answers(self.facts()["db_port"]))
        if not self.is_done("setup"):
            self._set_up()
            self.done("setup")
        if not web.running():
            self.port()
        self._web().start(lambda: self.health().state == "up")

    def stop(self) -> None:
        self._web().stop()
        self._database().stop()

    def health(self) -> Health:
        if not self.is_done("database"):
            return Health("absent")
        if "port" not in self.facts() or not self._web().running():
            return Health("down", "not started")
        try:
            answer = requests.get(f"{self.url}/wp-json/", timeout=10)
        except requests.RequestException as error:
            return Health("down", type(error).__name__)
        if not answer.ok:
            return Health("down", f"{self.url}/wp-json/ answers {answer.status_code}")
        return Health("up", self.url)

    def seed(self, company: Company) -> None:
        if self.is_done("seed"):
            return
        wordpress_seed.fill(self.admin(), company)
        self.done("seed")

    def connections(self) -> Connections:
        account = self.facts()["integration"]
        return {
            "intranet": {
                "conn_type": "landbridge_wordpress",
                "host": self.url,
                "login": account["login"],
                "password": account["password"],
                "extra": {},
            }
        }

    # For the demo and the tests

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.facts()['port']}"

    def admin(self) -> WordPressClient:
        return self._client(self.facts()["admin"])

    def integration(self) -> WordPressClient:
        """The account that Landbridge uses, with no more rights than it needs."""
        return self._client(self.facts()["integration"])

    def acting_as(self, login: str) -> WordPressClient:
        """A colleague who has an account here; an application password is made for the first use."""
        people = self.facts().get("people", {})
        if login not in people:
            admin = self.admin()
            user = admin.user(login)
            if user is None:
                raise LookupError(f"WordPress has no account {login}.")
            made = admin.call("POST", f"users/{user['id']}/application-passwords", {"name": "sandbox"}).json()
            people[login] = {"login": login, "id": user["id"], "password": made["password"]}
            self.remember(people=people)
        return self._client(people[login])

    def _client(self, account: dict[str, Any]) -> WordPressClient:
        return WordPressClient(self.url, account["login"], account["password"])

    # Installation

    @property
    def _site(self) -> Path:
        return self.home / "site"

    @property
    def _scripts(self) -> Path:
        return self.home / "php"

    @property
    def _prepend(self) -> Path:
        return self._scripts / "prepend.php"

    def _link_program(self) -> None:
        """Debian's files are linked, so that a home takes 35 MB and not 95; only configuration and content are its own."""
        content = self._site / "wp-content"
        (content / "uploads").mkdir(parents=True, exist_ok=True)
        (content / "mu-plugins").mkdir(exist_ok=True)
        for source in PROGRAM.iterdir():
            if source.name not in ("wp-content", "wp-config.php", ".htaccess"):
                _link(self._site / source.name, source)
        for folder in ("themes", "plugins"):
            _link(content / folder, PROGRAM / "wp-content" / folder)
        # Copied, because other users may be unable to enter the folder of this checkout.
        shutil.copyfile(php_server.PHP_FILES / "wordpress_config.php", self._site / "wp-config.php")
        shutil.copyfile(php_server.PHP_FILES / "wordpress_guard.php", content / "mu-plugins" / "landbridge.php")
        self._scripts.mkdir(exist_ok=True)
        for script in ("prepend", "router", "install"):
            shutil.copyfile(php_server.PHP_FILES / f"wordpress_{script}.php", self._scripts / f"{script}.php")
        self.hand_over(self._scripts)
        self.hand_over(self._site)

    def _make_database(self) -> None:
        data = self.home / "db"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        statements = data / "new.sql"
        statements.touch(0o600)
        statements.write_text(NEW_DATABASE.format(password=self.secret("db_password")))
        self.hand_over(data)
        command = [
            "mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db", "--skip-name-resolve",
            "--auth-root-authentication-method=socket", "--innodb-log-file-size=16M", f"--extra-file={statements}",
        ]  # fmt: skip
        packages.run(command, what="mariadb-install-db", user=processes.unprivileged_user())
        statements.unlink()

    def _set_up(self) -> None:
        wanted = {
            "title": "Halbrück & Söhne Intranet",
            "admin_email": "intranet@halbrueck.example",
            "admin_password": self.secret("admin_password"),
            "integration_email": "landbridge@halbrueck.example",
        }
        # The site needs an address before it has a port; WP_HOME overrides what is stored, at every start.
        environment = self._environment() | {"SANDBOX_URL": "http://127.0.0.1"}
        told = packages.run(
            ["php", *php_server.options(prepend=self._prepend), self._scripts / "install.php"],
            what="the installation of WordPress", env=environment, stdin=json.dumps(wanted),
            user=processes.unprivileged_user(),
        )  # fmt: skip
        self.remember(**json.loads(told))

    # Processes

    def _database(self) -> Process:
        data = self.home / "db"
        command = [
            "mariadbd", "--no-defaults", f"--datadir={data}", "--bind-address=127.0.0.1",
            f"--port={self.facts().get('db_port', 0)}", "--socket=db.sock", "--skip-name-resolve", "--skip-log-bin",
            "--character-set-server=utf8mb4", "--performance-schema=OFF", "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=2",
        ]  # fmt: skip
        return Process(self.home, "mariadb", command, cwd=data, user=processes.unprivileged_user())

    def _web(self) -> Process:
        port, router = self.facts().get("port", 0), self._scripts / "router.php"
        return php_server.server(self.home, port, self._site, router, self._environment(), prepend=self._prepend)

    def _environment(self) -> dict[str, str]:
        return {
            "SANDBOX_SITE": str(self._site),
            "SANDBOX_DB_PORT": str(self.facts().get("db_port", 0)),
            "SANDBOX_DB_PASSWORD": self.secret("db_password"),
            "SANDBOX_SECRET": self.secret("site_secret"),
        }


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink():
        link.symlink_to(target)
