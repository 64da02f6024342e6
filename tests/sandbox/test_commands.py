"""Several systems come up and go down together, and each failure stays its own."""

from __future__ import annotations

import stat
import threading
from pathlib import Path
from typing import ClassVar

import pytest

import sandbox
from sandbox import registry
from sandbox.company import Company
from sandbox.system import Connections, Health, System


class Fake(System):
    """Notes what is done to it, in order, over all systems."""

    deeds: ClassVar[list[str]] = []

    def start(self) -> None:
        self.deeds.append(f"start {self.name}")
        self.remember(up=True, port=self.port())

    def seed(self, company: Company) -> None:
        self.remember(people=len(company.people))

    def stop(self) -> None:
        self.deeds.append(f"stop {self.name}")
        self.remember(up=False)

    def health(self) -> Health:
        return Health("up" if self.facts().get("up") else "down", self.name)

    def connections(self) -> Connections:
        return {f"to-{self.name}": {"host": f"http://127.0.0.1:{self.facts()['port']}", "password": self.secret("key")}}


class First(Fake):
    name = "first"


class Second(Fake):
    name = "second"


class Broken(Fake):
    name = "broken"

    def start(self) -> None:
        raise KeyError("something unexpected")


class Late(Fake):
    """Comes last, and sees what the others have left."""

    name = "late"

    def start(self) -> None:
        super().start()
        self.deeds.append(f"late sees {sorted(sandbox.connections(root=self.home.parent))}")


@pytest.fixture(autouse=True)
def systems(monkeypatch: pytest.MonkeyPatch) -> None:
    Fake.deeds.clear()
    for cls in (First, Second, Broken, Late):
        monkeypatch.setitem(registry.SYSTEMS, cls.name, f"{__name__}:{cls.__name__}")
    monkeypatch.setattr("sandbox.commands.LAST", ("late",))
    monkeypatch.setattr("sandbox.registry.import_module", lambda name: __import__("sys").modules[name])


def test_up_keeps_connections_for_their_owner_only(tmp_path: Path) -> None:
    connections = sandbox.up(["first", "second"], root=tmp_path)
    assert sorted(connections) == ["to-first", "to-second"]
    assert connections == sandbox.connections(root=tmp_path)
    assert stat.S_IMODE((tmp_path / "connections.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "first" / "facts.json").stat().st_mode) == 0o600


def test_up_again_adds_to_what_is_up(tmp_path: Path) -> None:
    first = sandbox.up(["first"], root=tmp_path)
    both = sandbox.up(["second"], root=tmp_path)
    assert both["to-first"] == first["to-first"]


def test_up_tells_the_connections_of_what_is_up_only(tmp_path: Path) -> None:
    sandbox.up(["first"], root=tmp_path)
    sandbox.down(["first"], root=tmp_path)
    assert list(sandbox.up(["second"], root=tmp_path)) == ["to-second"]
    assert sorted(sandbox.connections(root=tmp_path)) == ["to-first", "to-second"], "kept, for when it comes up again"


def test_one_failure_is_told_and_keeps_nobody_else_from_coming_up(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    lock = threading.Lock()

    def report(progress: sandbox.Progress) -> None:
        with lock:
            told.append((progress.system, progress.stage))

    with pytest.raises(
        sandbox.SandboxError, match=r"1 of 2 systems did not come up(.|\n)*broken: KeyError: .*unexpected"
    ):
        sandbox.up(["broken", "first"], report, root=tmp_path)
    assert ("broken", "failed") in told
    assert ("first", "up") in told
    assert list(sandbox.connections(root=tmp_path)) == ["to-first"]


def test_what_needs_the_others_comes_after_them_and_goes_before_them(tmp_path: Path) -> None:
    sandbox.up(["late", "first"], root=tmp_path)
    assert Fake.deeds == ["start first", "start late", "late sees ['to-first']"]
    Fake.deeds.clear()
    sandbox.down(root=tmp_path)
    assert Fake.deeds == ["stop late", "stop first"]


def test_status_knows_up_down_and_never_there(tmp_path: Path) -> None:
    assert {health.state for health in sandbox.status(root=tmp_path).values()} == {"absent"}
    sandbox.up(["first"], root=tmp_path)
    assert sandbox.status(root=tmp_path)["first"] == Health("up", "first")
    sandbox.down(["first"], root=tmp_path)
    assert sandbox.status(root=tmp_path)["first"].state == "down"


def test_forgetting_starts_afresh(tmp_path: Path) -> None:
    before = sandbox.up(["first"], root=tmp_path)["to-first"]["password"]
    sandbox.down(root=tmp_path)
    assert sandbox.up(["first"], root=tmp_path)["to-first"]["password"] == before
    (tmp_path / "hub.sqlite").touch()
    (tmp_path / "company" / "config").mkdir(parents=True)
    sandbox.down(root=tmp_path, forget=True)
    assert sandbox.connections(root=tmp_path) == {}
    assert [one.name for one in tmp_path.iterdir()] == ["lock"]
    assert sandbox.up(["first"], root=tmp_path)["to-first"]["password"] != before


def test_two_sandboxes_have_different_ports(tmp_path: Path) -> None:
    one = sandbox.up(["first"], root=tmp_path / "one")["to-first"]["host"]
    two = sandbox.up(["first"], root=tmp_path / "two")["to-first"]["host"]
    assert one != two


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(sandbox.SandboxError, match=r"no sandbox system 'nowhere'.*synapse"):
        sandbox.up(["nowhere"], root=tmp_path)
    with pytest.raises(sandbox.SandboxError, match="no sandbox system"):
        sandbox.up(["first", "nowhere"], root=tmp_path)
    assert Fake.deeds == []


def test_another_sandbox_is_chosen_by_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LANDBRIDGE_SANDBOX", str(tmp_path))
    assert sandbox.sandbox_root() == tmp_path
    monkeypatch.delenv("LANDBRIDGE_SANDBOX")
    assert sandbox.sandbox_root() == (Path(sandbox.__file__).parent.parent / ".sandbox").resolve()


@pytest.mark.parametrize("user", [None, 65534])
def test_a_checkout_closed_to_others_keeps_its_servers_data_elsewhere(
    user: int | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    beside, elsewhere = tmp_path / "closed" / ".sandbox", tmp_path / "elsewhere"
    beside.parent.mkdir(mode=0o700)
    monkeypatch.delenv("LANDBRIDGE_SANDBOX", raising=False)
    monkeypatch.setattr("sandbox.system._beside_the_code", lambda: beside)
    monkeypatch.setattr("sandbox.system.ENTERABLE", elsewhere)
    monkeypatch.setattr("sandbox.processes.unprivileged_user", lambda: user)
    for _ in range(2):
        sandbox.up(["first"])
        sandbox.down()
    assert beside.is_symlink() == (user is not None)
    assert (beside / "connections.json").exists()
    assert sandbox.sandbox_root() == (beside if user is None else next(elsewhere.iterdir()))
