"""Matrix Synapse, the company's chat, with Landbridge registered as an application service.

The service may act as any user of the server (`?user_id=`) and date what it writes (`?ts=`); that is how the seeded
messages come by their authors and times, and how Landbridge later posts under people's own names. Landbridge's own
account is one of these users and not the service's sender, because Synapse refuses `/sync` to a sender.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
from pathlib import Path
from typing import Any, ClassVar

import requests

from sandbox.company import Company
from sandbox.errors import SandboxError
from sandbox.processes import Process
from sandbox.supervisor import wait_until
from sandbox.synapse_seed import Seeding
from sandbox.system import Connections, Health, System, write_private

SERVER_NAME = "halbrueck.example"
BOT = "landbridge"
SENDER = "landbridge-service"
ADMIN = "chat-admin"
NO_LIMIT = {"per_second": 10_000, "burst_count": 10_000}
LIMITS = {
    **{f"rc_{what}": NO_LIMIT for what in ("message", "registration", "admin_redaction", "room_creation", "reports")},
    "rc_login": {"address": NO_LIMIT, "account": NO_LIMIT, "failed_attempts": NO_LIMIT},
    "rc_joins": {"local": NO_LIMIT, "remote": NO_LIMIT},
    "rc_joins_per_room": NO_LIMIT,
    "rc_invites": {"per_room": NO_LIMIT, "per_user": NO_LIMIT, "per_issuer": NO_LIMIT},
    "rc_media_create": NO_LIMIT,
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(name)s %(levelname)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"level": "WARNING", "handlers": ["console"]},
}


class Synapse(System):
    name: ClassVar[str] = "synapse"
    lock: ClassVar[str | None] = "synapse.txt"

    @property
    def _data(self) -> Path:
        return self.home / "data"

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.facts().get('port', 0)}"

    def start(self) -> None:
        process = self._process()
        if not process.running():
            if self.is_done("seed-begun") and not self.is_done("seed"):
                self._forget()
            self._configure(self.port())
        process.start(self._answers, timeout=120)
        if "admin_token" not in self.facts():
            self._register_admin()
            self._register_bot()
        if not wait_until(self._is_complete, 60):
            raise SandboxError("Synapse has not completed its database within 60 s.", remedy=f"See {process.log}.")

    def seed(self, company: Company) -> None:
        if self.is_done("seed"):
            return
        if self.is_done("seed-begun"):
            # Half a conversation cannot be continued: what is there already would be said twice.
            self.stop()
            self.start()
        self.done("seed-begun")
        facts = self.facts()
        Seeding(self._url, SERVER_NAME, BOT, facts["as_token"], facts["admin_token"], facts["people_password"]).run(
            company
        )
        self.done("seed")

    def stop(self) -> None:
        self._process().stop()

    def health(self) -> Health:
        if not self.installed():
            return Health("absent")
        try:
            told = requests.get(f"{self._url}/_synapse/admin/v1/server_version", timeout=5).json()
        except requests.RequestException:
            return Health("down", f"{self._url} does not answer.")
        # Started inside a checkout of anything, Synapse appends that checkout's commit to its version.
        version = told["server_version"].partition(" ")[0]
        return Health("up", f"Synapse {version} at {self._url}")

    def connections(self) -> Connections:
        facts = self.facts()
        chat = {
            "conn_type": "landbridge_matrix",
            "host": self._url,
            "login": f"@{BOT}:{SERVER_NAME}",
            "password": facts["as_token"],
            "extra": {"server_name": SERVER_NAME, "admin_token": facts["admin_token"]},
        }
        return {"chat": chat}

    def _process(self) -> Process:
        command: list[str | Path] = [
            self.venv / "bin" / "python",
            "-m",
            "synapse.app.homeserver",
            "-c",
            self.home / "homeserver.json",
        ]
        return Process(self.home, self.name, command)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self._url}/health", timeout=5).text == "OK"
        except requests.RequestException:
            return False

    def _is_complete(self) -> bool:
        """A new database lacks some of its indexes for a second, and calls that need them fail with 500."""
        token = {"Authorization": f"Bearer {self.facts()['admin_token']}"}
        path = f"{self._url}/_synapse/admin/v1/background_updates/status"
        return not _checked(requests.get(path, headers=token, timeout=10))["current_updates"]

    def _configure(self, port: int) -> None:
        """Written anew at every start, so that a moved port or a newer sandbox takes effect."""
        self._data.mkdir(parents=True, exist_ok=True)
        self._data.chmod(0o700)
        service = {
            "id": BOT,
            "url": None,
            "as_token": self.secret("as_token"),
            "hs_token": self.secret("hs_token"),
            "sender_localpart": SENDER,
            "rate_limited": False,
            "namespaces": {
                "users": [{"regex": f"@.*:{SERVER_NAME}", "exclusive": False}],
                "aliases": [{"regex": f"#.*:{SERVER_NAME}", "exclusive": False}],
                "rooms": [],
            },
        }
        self.secret("people_password")
        # JSON is YAML, and is written privately.
        write_private(self.home / "landbridge.json", service)
        write_private(self.home / "logging.json", LOGGING)
        write_private(self.home / "homeserver.json", self._settings(port))
        if not (self._data / "signing.key").exists():
            seed = base64.b64encode(os.urandom(32)).decode().rstrip("=")
            (self._data / "signing.key").write_text(f"ed25519 a_1 {seed}\n")

    def _settings(self, port: int) -> dict[str, Any]:
        listener = {
            "port": port,
            "bind_addresses": ["127.0.0.1"],
            "type": "http",
            "tls": False,
            "resources": [{"names": ["client"], "compress": False}],
        }
        return {
            "server_name": SERVER_NAME,
            "public_baseurl": f"http://127.0.0.1:{port}/",
            "listeners": [listener],
            "database": {"name": "sqlite3", "args": {"database": str(self._data / "homeserver.db")}},
            "media_store_path": str(self._data / "media"),
            "signing_key_path": str(self._data / "signing.key"),
            "log_config": str(self.home / "logging.json"),
            "app_service_config_files": [str(self.home / "landbridge.json")],
            "registration_shared_secret": self.secret("registration_secret"),
            "macaroon_secret_key": self.secret("macaroon_secret"),
            "form_secret": self.secret("form_secret"),
            "bcrypt_rounds": 4,
            "report_stats": False,
            # The company's server talks to no other.
            "federation_domain_whitelist": [],
            "trusted_key_servers": [],
            "presence": {"enabled": False},
            "background_updates": {"sleep_enabled": False},
            **LIMITS,
        }

    def _register_admin(self) -> None:
        """The first admin can only be made with the shared secret; everything else follows from there."""
        path = f"{self._url}/_synapse/admin/v1/register"
        nonce = requests.get(path, timeout=10).json()["nonce"]
        password = self.secret("admin_password")
        signed = f"{nonce}\0{ADMIN}\0{password}\0admin".encode()
        proof = hmac.new(self.secret("registration_secret").encode(), signed, hashlib.sha1).hexdigest()
        account = {"nonce": nonce, "username": ADMIN, "password": password, "admin": True, "mac": proof}
        self.remember(admin_token=_checked(requests.post(path, json=account, timeout=10))["access_token"])

    def _register_bot(self) -> None:
        token = {"Authorization": f"Bearer {self.facts()['as_token']}"}
        account = {"type": "m.login.application_service", "username": BOT, "inhibit_login": True}
        path = f"{self._url}/_matrix/client/v3/register"
        name = _checked(requests.post(path, json=account, headers=token, timeout=10))["user_id"]
        path = f"{self._url}/_matrix/client/v3/profile/{name}/displayname"
        shown = {"displayname": "Landbridge"}
        _checked(requests.put(path, json=shown, headers=token, params={"user_id": name}, timeout=10))

    def _forget(self) -> None:
        shutil.rmtree(self._data)
        (self.home / "seed-begun.done").unlink()
        facts = self.facts()
        facts.pop("admin_token", None)
        write_private(self.home / "facts.json", facts)


def _checked(answer: requests.Response) -> dict[str, Any]:
    if not answer.ok:
        path = answer.request.path_url.partition("?")[0]
        raise SandboxError(f"Synapse refused {path}: {answer.text}", remedy="Start with a fresh sandbox.")
    return dict(answer.json())
