"""`emulate`, a Slack emulator that others have made: what ours may have misunderstood, it has not misunderstood likewise."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

import requests

from sandbox import packages
from sandbox.company import Company, halbrueck
from sandbox.processes import Process, answers
from sandbox.system import Connections, Health, System

# Of the others, some need a newer Node and one is by another author.
PACKAGE = "emulate@0.11.2"
BOT, BOT_USER = "B0LANDBRIDGE", "U0LANDBRIDGE"
# It would listen on all addresses of the machine.
LOOPBACK = """\
const net = require('node:net'), listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) { return listen.call(this, port, '127.0.0.1', ...rest.slice(1)); };
"""


class Emulate(System):
    name: ClassVar[str] = "slack-emulate"

    def cannot_install(self) -> str:
        if shutil.which("npm") is None:
            return "npm is missing, and only root can install it: apt-get install npm"
        return ""

    def installed(self) -> bool:
        return self._program.exists()

    def install(self) -> None:
        super().install()
        if not self.installed():
            packages.run(
                ["npm", "install", "--no-fund", "--no-audit", "--prefix", self.home, PACKAGE], what="npm install"
            )

    def start(self) -> None:
        if not self._process().running():
            self.port()
            (self.home / "loopback.cjs").write_text(LOOPBACK)
            # JSON is YAML.
            (self.home / "seed.yaml").write_text(json.dumps({"slack": self._seed(halbrueck())}))
        self._process().start(lambda: answers(self.facts()["port"]))

    def seed(self, company: Company) -> None:
        """Seeded at its start: it has no memory but its process."""

    def stop(self) -> None:
        self._process().stop()

    def health(self) -> Health:
        if not self.installed():
            return Health("absent")
        try:
            requests.get(self.url, timeout=5)
        except requests.RequestException as error:
            return Health("down", type(error).__name__)
        return Health("up", f"{PACKAGE} at {self.url}")

    def connections(self) -> Connections:
        made = {"conn_type": "landbridge_slack", "host": self.url, "password": self.secret("token"), "extra": {}}
        return {"slack_emulate": made}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.facts().get('port', 0)}"

    @property
    def _program(self) -> Path:
        return self.home / "node_modules" / "emulate" / "dist" / "index.js"

    def _process(self) -> Process:
        argv: list[str | Path] = [
            "node", "--require", self.home / "loopback.cjs", self._program, "start", "--service", "slack",
            "--port", str(self.facts().get("port", 0)), "--seed", self.home / "seed.yaml",
        ]  # fmt: skip
        return Process(self.home, self.name, argv, cwd=self.home)

    def _seed(self, company: Company) -> dict[str, Any]:
        bot = {"bot_id": BOT, "bot_user_id": BOT_USER, "app_id": "A0LANDBRIDGE"}
        app = {
            "client_id": "1.2",
            "client_secret": "none",
            "name": "Landbridge",
            "redirect_uris": [],
            "scopes": [],
            **bot,
        }
        people = [{"name": one.user_name, "real_name": one.full_name, "email": one.email} for one in company.in_chat()]
        return {
            "team": {"name": company.name, "domain": "halbrueck"},
            "users": people,
            "channels": [
                {"name": room.alias, "topic": room.topic} for room in company.rooms if room.visibility == "public"
            ],
            "oauth_apps": [{**app, "bot_name": "landbridge"}],
            "tokens": [{"token": self.secret("token"), "type": "bot", "user_id": BOT_USER, **bot}],
        }
