"""A small client of Airflow's REST API: what a demo or a test does, and no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import requests

from sandbox.errors import SandboxError

Json = dict[str, Any]
ENDED = {"success", "failed"}


class ApiError(SandboxError):
    """Airflow did not answer, or refused."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class AirflowClient:
    """Logs in at the first call, and again when the token has expired."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url.rstrip("/")
        self._login = {"username": user, "password": password}
        self._session = requests.Session()

    def health(self) -> Json:
        return self._json(self._send("GET", "/api/v2/monitor/health"))

    def token(self) -> str:
        """A bearer token; the login page's cookie `_token` holds the same kind."""
        answer = self._send("POST", "/auth/token", json=self._login)
        if answer.status_code != 201:
            raise ApiError(f"Airflow refuses the login of {self._login['username']}.", answer.status_code)
        return str(self._json(answer)["access_token"])

    def call(self, method: str, path: str, json: Any = None, params: Mapping[str, Any] | None = None) -> Json:
        """One call below /api/v2. Raises ApiError with the status."""
        answer = self.raw(method, f"/api/v2/{path}", json=json, params=params)
        if answer.status_code >= 400:
            raise ApiError(f"{method} {path}: {answer.status_code} {answer.text[:300]}", answer.status_code)
        return self._json(answer) if answer.content else {}

    def raw(self, method: str, path: str, **more: Any) -> requests.Response:
        """The answer as it is, for pages and for refusals.

        A 5xx is asked once more: on SQLite a busy Airflow cannot always get its lock in time.
        """
        if "Authorization" not in self._session.headers:
            self._session.headers["Authorization"] = f"Bearer {self.token()}"
        answer = self._send(method, path, **more)
        if answer.status_code == 401:
            self._session.headers["Authorization"] = f"Bearer {self.token()}"
            answer = self._send(method, path, **more)
        if answer.status_code >= 500:
            time.sleep(1)
            answer = self._send(method, path, **more)
        return answer

    # DAGs and runs

    def dags(self) -> list[str]:
        return [dag["dag_id"] for dag in self.call("GET", "dags", params={"limit": 500})["dags"]]

    def import_errors(self) -> list[Json]:
        return list(self.call("GET", "importErrors")["import_errors"])

    def unpause_all(self) -> None:
        every = {"dag_id_pattern": "%", "update_mask": "is_paused"}
        self.call("PATCH", "dags", json={"is_paused": False}, params=every)

    def pause(self, dag_id: str, paused: bool = True) -> None:
        self.call("PATCH", f"dags/{dag_id}", json={"is_paused": paused})

    def trigger(self, dag_id: str, **params: Any) -> str:
        """The id of a new run; also a paused DAG takes it, but starts it only when unpaused."""
        run = self.call("POST", f"dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": params})
        return str(run["dag_run_id"])

    def runs(self, dag_id: str = "~", **where: Any) -> list[Json]:
        found = self.call("GET", f"dags/{dag_id}/dagRuns", params={"limit": 100, "order_by": "-start_date", **where})
        return list(found["dag_runs"])

    def ran(self, dag_id: str) -> bool:
        """Whether a run of it has ever ended."""
        return bool(self.runs(dag_id, state=sorted(ENDED)))

    def state(self, dag_id: str, run_id: str) -> str:
        return str(self.call("GET", f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}")["state"])

    def wait(self, dag_id: str, run_id: str, timeout: float = 120) -> str:
        """The final state of a run."""
        until(lambda: self.state(dag_id, run_id) in ENDED, timeout, f"{dag_id} {run_id}")
        return self.state(dag_id, run_id)

    def run(self, dag_id: str, timeout: float = 120, **params: Any) -> str:
        """Trigger and wait."""
        return self.wait(dag_id, self.trigger(dag_id, **params), timeout)

    def busy(self) -> bool:
        """Whether anything is read or flows; open questions do not count."""
        return any(run["dag_id"].startswith(("read__", "flow__")) for run in self.runs(state=["running", "queued"]))

    def wait_until_quiet(self, timeout: float = 300) -> None:
        """Until nothing runs or is queued, and nothing new has come up for two seconds."""
        quiet_since = time.monotonic()

        def quiet() -> bool:
            nonlocal quiet_since
            if self.busy():
                quiet_since = time.monotonic()
            return time.monotonic() - quiet_since > 2

        until(quiet, timeout, "quiet")

    def tasks(self, dag_id: str, run_id: str) -> list[Json]:
        path = f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances"
        return list(self.call("GET", path, params={"limit": 1000})["task_instances"])

    def result(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Any:
        """What a task returned."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}/xcomEntries/return_value"
        return self.call("GET", path, params={"map_index": map_index, "deserialize": False})["value"]

    def log(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, attempt: int = 1) -> str:
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}/logs/{attempt}"
        return self.raw("GET", path, params={"map_index": map_index, "full_content": True}).text

    def asset_events(self, stream: str | None = None) -> list[Json]:
        """The events of "system/stream", newest first."""
        events = self.call("GET", "assets/events", params={"limit": 100, "order_by": "-timestamp"})["asset_events"]
        return [event for event in events if stream is None or event["name"] == stream]

    # Questions to people

    def questions(self, dag_id: str = "~") -> list[Json]:
        """Open ones, with subject, body, options and the task instance that asks."""
        path = f"dags/{dag_id}/dagRuns/~/hitlDetails"
        return list(self.call("GET", path, params={"response_received": False, "limit": 100})["hitl_details"])

    def answer(self, question: Json, option: str) -> None:
        """`option` is "Approve" or "Reject"; a second answer is refused with 409."""
        asked = question["task_instance"]
        run = f"dags/{asked['dag_id']}/dagRuns/{quote(asked['dag_run_id'], safe='')}"
        path = f"{run}/taskInstances/{asked['task_id']}/{asked['map_index']}/hitlDetails"
        self.call("PATCH", path, json={"chosen_options": [option], "params_input": {}})

    # Set-up

    def put_pools(self, pools: Mapping[str, Mapping[str, Any]]) -> None:
        """Creates or resizes."""
        entities = [{"name": name, **settings} for name, settings in pools.items()]
        action = {"action": "create", "action_on_existence": "overwrite", "entities": entities}
        self.call("PATCH", "pools", json={"actions": [action]})

    def pools(self) -> dict[str, int]:
        return {pool["name"]: pool["slots"] for pool in self.call("GET", "pools")["pools"]}

    def _send(self, method: str, path: str, **more: Any) -> requests.Response:
        try:
            return self._session.request(method, self.url + path, timeout=60, **more)
        except requests.RequestException as error:
            raise ApiError(f"Airflow does not answer at {self.url}: {type(error).__name__}.") from None

    @staticmethod
    def _json(answer: requests.Response) -> Json:
        try:
            found = answer.json()
        except ValueError:
            raise ApiError(f"Airflow answered {answer.status_code} without JSON.", answer.status_code) from None
        return dict(found)


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Raises SandboxError when it takes longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SandboxError(f"Waited {seconds:.0f} s in vain for: {what}.")
        time.sleep(0.3)
