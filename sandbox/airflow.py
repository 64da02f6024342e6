"""Airflow itself, as the demo and the tests run it: its components side by side, on loopback, with nothing public.

Not `airflow standalone`: that binds its log servers to all interfaces and leaves its children behind when it is ended.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar

from sandbox import packages
from sandbox.airflow_client import AirflowClient, ApiError
from sandbox.company import Company
from sandbox.errors import SandboxError
from sandbox.processes import Process, answers
from sandbox.system import Connections, Health, System, write_private

REPOSITORY = Path(__file__).parent.parent
USERS = {"admin": "admin", "vera": "viewer"}
COMPONENTS = {
    "dag-processor": ("dag-processor",),
    # Two of them, because one alone can wait a minute for itself: before a POST it writes its log, which waits for
    # SQLite's lock on the very event loop that a task's heartbeat, which holds the lock, needs to end.
    "api-server": ("api-server", "--apps", "core"),
    "execution-api": ("api-server", "--apps", "execution"),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
# Nothing of Landbridge defers, so the triggerer need not delay the others, neither at the start nor at the end.
LATER = "triggerer"
# Only where the settings ask for the CeleryExecutor.
WORKER = {"worker": ("celery", "worker", "--skip-serve-logs")}
AWAITED = ("metadatabase", "scheduler", "dag_processor")


class Airflow(System):
    """`settings` are environment variables that come on top, for another executor or database."""

    name: ClassVar[str] = "airflow"

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None, company_home: Path | None = None) -> None:
        super().__init__(home)
        self.settings = dict(settings or {})
        # Whoever runs a company of their own has named it in the environment, as for the command line.
        self.company_home = company_home or Path(os.environ.get("LANDBRIDGE_HOME") or REPOSITORY)
        distributed = "Celery" in self.settings.get("AIRFLOW__CORE__EXECUTOR", "")
        self.components = COMPONENTS | WORKER if distributed else COMPONENTS

    def install(self) -> None:
        super().install()
        try:
            installed = version("apache-airflow")
        except PackageNotFoundError:
            remedy = 'Install it: uv pip install -e ".[airflow]"'
            raise SandboxError("Airflow is not installed.", remedy=remedy) from None
        self._airflow_home.mkdir(mode=0o700, exist_ok=True)
        if not self._passwords.exists():
            write_private(self._passwords, {user: secrets.token_urlsafe(12) for user in USERS})
        self.secret("jwt_secret")
        self.secret("jwt_secret_more")  # together more than the 64 bytes that Airflow asks for
        self.secret("api_secret")
        if "fernet_key" not in self.facts():
            self.remember(fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        database = f"database-{installed}-{_mark(self.environment()['AIRFLOW__DATABASE__SQL_ALCHEMY_CONN'])[:8]}"
        if not self.is_done(database):
            packages.run(
                [sys.executable, "-c", "from airflow.utils.db import initdb; initdb()"],
                what="making Airflow's database",
                env=self.environment(),
                cwd=self._airflow_home,
            )
            self.done(database)

    def start(self) -> None:
        if self._given_connections() != self.facts().get("connections"):
            self.stop()  # a connection that changed reaches a running Airflow only through its environment
        if self.health().state == "up":
            return
        if not self._process("api-server").running():
            self.remember(url=f"http://127.0.0.1:{self.port()}", connections=self._given_connections())
        if not self._process("execution-api").running():
            self.port("execution_port")
        environment = self.environment()
        for name in self.components:
            if name != LATER:
                self._process(name, environment).start(lambda: True)
        self._wait()
        self._process(LATER, environment).start(lambda: True)

    def seed(self, company: Company) -> None:
        """The pools; the DAGs stay paused until someone asks for them."""
        from landbridge_airflow.pools import pools

        from landbridge.sync.company import load_company

        self.client().put_pools(pools(load_company(self.company_home)))

    def stop(self) -> None:
        with ThreadPoolExecutor(len(self.components)) as pool:
            list(pool.map(lambda name: self._process(name).stop(), self.components))

    def health(self) -> Health:
        if not self._passwords.exists():
            return Health("absent")
        try:
            told = self.client().health()
        except (ApiError, KeyError):
            return Health("down", "The API server does not answer.")
        sick = [name for name in AWAITED if told.get(name, {}).get("status") != "healthy"]
        if not answers(self.facts().get("execution_port", 0)):
            sick.append("execution API")
        return Health("down", f"Not healthy: {', '.join(sick)}.") if sick else Health("up", self.facts()["url"])

    def connections(self) -> Connections:
        return {}

    def client(self, user: str = "admin") -> AirflowClient:
        return AirflowClient(self.facts()["url"], user, self.passwords()[user])

    def passwords(self) -> dict[str, str]:
        """By user; the file is Airflow's own, so a password changed there counts."""
        return dict(json.loads(self._passwords.read_text()))

    def environment(self) -> dict[str, str]:
        """Everything by environment: no airflow.cfg, and no secret on a command line."""
        facts = self.facts()
        url = facts.get("url", "http://127.0.0.1:0")
        home = self._airflow_home
        return {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__FERNET_KEY": facts["fernet_key"],
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{facts.get('execution_port', 0)}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._passwords),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}?timeout=60",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": url.rpartition(":")[2],
            "AIRFLOW__API__BASE_URL": url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": facts["api_secret"],
            "AIRFLOW__API_AUTH__JWT_SECRET": facts["jwt_secret"] + facts["jwt_secret_more"],
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
            # A task that ends just as its supervisor begins to wait is noticed after this many seconds.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "LANDBRIDGE_HOME": str(self.company_home),
            **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(data) for name, data in self._connections().items()},
            **self.settings,
        }

    @property
    def _airflow_home(self) -> Path:
        return self.home / "home"

    @property
    def _passwords(self) -> Path:
        return self._airflow_home / "passwords.json"

    def _connections(self) -> dict[str, Any]:
        """Of the systems beside this one, as the last `up` has left them."""
        try:
            return dict(json.loads((self.home.parent / "connections.json").read_text()))
        except FileNotFoundError:
            return {}

    def _given_connections(self) -> str:
        return _mark(self._connections())

    def _process(self, name: str, environment: Mapping[str, str] | None = None) -> Process:
        argv = [sys.executable, "-m", "airflow", *self.components[name]]
        own = {"AIRFLOW__API__PORT": str(self.facts().get("execution_port", 0))} if name == "execution-api" else {}
        grace = 1 if name == LATER else 10
        return Process(self.home, name, argv, env={**(environment or {}), **own}, cwd=self._airflow_home, grace=grace)

    def _wait(self, seconds: float = 180) -> None:
        """Returns when all are healthy and the DAGs are there."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for name in self.components:
                if name != LATER and not self._process(name).running():
                    raise SandboxError(f"Airflow's {name} ended while starting.", remedy=f"See {self.home / name}.log.")
            if self.health().state == "up" and self.client().dags():
                return
            time.sleep(0.25)
        raise SandboxError(f"Airflow was not healthy after {seconds:.0f} s.", remedy=f"See the logs in {self.home}.")


def _mark(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
