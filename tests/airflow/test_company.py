"""The real company under real Airflow: whatever is killed, nothing is lost, nothing is twice, nothing is out of order."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil
import pytest
import yaml

import sandbox
from sandbox.airflow import Airflow
from sandbox.airflow_client import AirflowClient, until
from sandbox.company import Post, halbrueck
from sandbox.demo.company import without
from sandbox.demo.day import Day
from sandbox.matrix_client import Event, MatrixClient
from sandbox.processes import owned
from sandbox.registry import load
from tests import prepared

pytestmark = pytest.mark.server

# What the flows people and news need; the rest of the company would only take time.
SYSTEMS = ("tryton", "synapse", "wordpress")
LEFT_OUT = ("mediawiki", "slapd")
# So slow that there is a middle to be killed in.
CHAT_RATE = "12/s"
SETTINGS = {
    # A worker that is gone is missed after five minutes by default; nobody can be late here for as long as this.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
}


@dataclass
class Joined:
    """The servers; what is counted is counted through the products' own APIs."""

    root: Path
    airflow: Airflow

    @cached_property
    def client(self) -> AirflowClient:
        return self.airflow.client()

    @cached_property
    def day(self) -> Day:
        return Day(self.root)

    def accounts(self) -> list[str]:
        return [one["name"] for one in self.day.chat.accounts()]

    @cached_property
    def reader(self) -> MatrixClient:
        return self.day.chat.acting_as(self.day.reader.user_name)

    @cached_property
    def news_rooms(self) -> list[str]:
        return [self.reader.join(alias) for alias in self.day.chat.rooms() if alias.startswith("news-")]

    def said(self) -> list[Event]:
        """All that is in the news rooms, in each oldest first."""
        return [one for room in self.news_rooms for one in reversed(self.reader.messages(room, 500))]


def slow_company(root: Path) -> Path:
    """The company's configuration without what is left out, with a slow chat, and read only once by itself."""
    home = without(LEFT_OUT, root).home
    path = home / "config" / "systems.yaml"
    systems = yaml.safe_load(path.read_text())["systems"]
    for system in systems.values():
        system["every"] = "1 day"
    systems["chat"]["rate"] = CHAT_RATE
    path.write_text(yaml.safe_dump({"systems": systems}))
    return home


@pytest.fixture(scope="module")
def joined() -> Iterator[Joined]:
    """Every system is read once; the flows are still switched off."""
    # Not pytest's own folder: servers that refuse root run as another user, who may not enter it.
    root = Path(tempfile.mkdtemp(prefix="landbridge-airflow-company-", dir="/tmp"))
    root.chmod(0o755)
    absent = {name: why for name in SYSTEMS if (why := load(name, root).cannot_install())}
    if absent:
        pytest.skip(f"This machine cannot have the company: {absent}")
    prepared.put(load(name, root) for name in SYSTEMS)
    sandbox.up(SYSTEMS, root=root, foreground=True)
    airflow = Airflow(
        root / "airflow", {**SETTINGS, "LANDBRIDGE_HUB": f"sqlite:///{root / 'hub.sqlite'}"}, slow_company(root)
    )
    with owned():
        airflow.install()
        airflow.start()
        airflow.seed(halbrueck())
    try:
        for dag in airflow.client().dags():
            if dag.startswith("read__"):
                airflow.client().pause(dag, False)
        airflow.client().wait_until_quiet(180)
        yield Joined(root, airflow)
    finally:
        airflow.stop()
        sandbox.down(root=root, forget=True)
        shutil.rmtree(root, ignore_errors=True)


def kill_in_the_middle(joined: Joined, flow: str, seen: Callable[[], bool], *, worker: bool) -> str:
    """SIGKILL the tasks that write to chat once `seen`, with or without the workers above them; the id of their run."""
    dag = f"flow__{flow}"
    joined.client.pause(dag, False)  # switched on, it starts by its schedule
    until(seen, 120, f"{dag} in the middle")
    run = str(joined.client.runs(dag)[0]["dag_run_id"])
    writing = [task for task in joined.client.tasks(dag, run) if task["task_id"] == "write__chat"]
    victims = [
        one for task in writing if task["state"] == "running" for one in processes(joined.airflow, task["id"], worker)
    ]
    assert victims
    for victim in victims:
        victim.kill()
    return run


def processes(airflow: Airflow, task: str, worker: bool) -> list[psutil.Process]:
    """By title: the LocalExecutor's worker and the process that it has forked for the task both hold the task's id."""
    supervisor = psutil.Process(json.loads((airflow.home / "scheduler.pid").read_text())["pid"])
    titles = {one: " ".join(one.cmdline()) for one in supervisor.children(recursive=True)}
    return [one for one, title in titles.items() if task in title and (worker or "LocalExecutor" not in title)]


def recovered(joined: Joined, flow: str, run: str) -> None:
    """Airflow tries again by itself, and soon; what the dead one was just sending is looked up before it is sent."""
    dag = f"flow__{flow}"
    assert joined.client.wait(dag, run, 180) == "success"
    assert max(task["try_number"] for task in joined.client.tasks(dag, run) if task["task_id"] == "write__chat") > 1
    joined.client.wait_until_quiet()
    assert joined.client.run(dag) == "success"


def test_a_killed_task_in_the_middle_of_people(joined: Joined) -> None:
    chat, before = joined.day.chat, len(joined.accounts())
    run = kill_in_the_middle(joined, "people", lambda: len(joined.accounts()) >= before + 5, worker=False)
    staff = [person for person in halbrueck().people if person.ends is None]
    wanted = {chat.user_id(person.user_name) for person in staff}
    assert not wanted <= set(joined.accounts())
    recovered(joined, "people", run)
    accounts = Counter(joined.accounts())
    assert wanted <= set(accounts)
    assert set(accounts.values()) == {1}
    mails = Counter(user["email"].lower() for user in joined.day.wordpress.admin().everything("users", context="edit"))
    assert {person.email for person in staff} <= set(mails)
    assert max(mails.values()) == 1
    assert len(chat.members(chat.rooms()["its"])) - 1 == sum(person.department == "ITS" for person in staff)


def test_a_killed_worker_in_the_middle_of_news(joined: Joined) -> None:
    before = len(joined.said())
    run = kill_in_the_middle(joined, "news", lambda: len(joined.said()) >= before + 8, worker=True)
    posts = halbrueck().posts
    comments = sum(len(post.comments) for post in posts)
    assert len(joined.said()) < before + len(posts) + comments
    recovered(joined, "news", run)
    said = joined.said()
    for post in posts:
        assert len(announcements(said, post)) == 1, post.title
    assert len(said) == before + len(posts) + comments
    assert len(joined.day.wordpress.admin().comments()) == comments


def announcements(said: list[Event], post: Post) -> list[int]:
    """Where among all that is said."""
    return [place for place, one in enumerate(said) if one["content"]["body"].startswith(post.title)]


def test_neither_death_has_changed_the_order(joined: Joined) -> None:
    said = joined.said()
    for category in {post.category for post in halbrueck().posts}:
        published = sorted((post.published, post.title) for post in halbrueck().posts if post.category == category)
        told = {post.title: announcements(said, post)[0] for post in halbrueck().posts if post.category == category}
        assert sorted(told, key=lambda title: told[title]) == [title for _, title in published]
    places = {one["event_id"]: place for place, one in enumerate(said)}
    threads = {place: one["content"].get("m.relates_to", {}).get("event_id") for place, one in enumerate(said)}
    assert all(places[root] < place for place, root in threads.items() if root)
