"""The people flow: joiner, mover, name change, leaver, rehire."""

from __future__ import annotations

from tests.sync.acting import people, rooms, second_flow
from tests.sync.conftest import World


def test_everyone_gets_accounts_and_rooms(world: World) -> None:
    world.run()
    assert set(people(world, "chat")) == set(people(world, "intranet")) == {"anna", "bert", "cleo"}
    assert people(world, "chat")["anna"]["phone"] == "111"
    assert rooms(world) == {"help": set(), "sales": {"anna", "cleo"}, "it": {"bert"}}
    assert people(world, "chat")["bert"]["id"] == "@bert"
    world.quiet()


def test_a_mover_changes_rooms(world: World) -> None:
    world.run()
    world.hr.put("people", id="3", dept=next(one["id"] for one in world.hr.all("groups") if one["code"] == "it"))
    world.run()
    assert rooms(world) == {"help": set(), "sales": {"anna"}, "it": {"bert", "cleo"}}
    world.quiet()


def test_a_new_name_is_shown_everywhere(world: World) -> None:
    world.run()
    world.hr.put("people", id="1", family="Müller-Groß", login="anna.gross")
    world.run()
    for system in ("chat", "intranet"):
        assert people(world, system)["anna"]["family"] == "Müller-Groß"
    world.quiet()


def test_a_leaver_is_disabled_and_comes_back(world: World) -> None:
    world.run()
    world.hr.put("people", id="1", active=False)
    world.run()
    assert [people(world, system)["anna"]["active"] for system in ("chat", "intranet")] == [False, False]
    assert rooms(world)["sales"] == {"cleo"}
    world.quiet()
    world.hr.put("people", id="1", active=True, title="Head")
    world.run()
    assert [people(world, system)["anna"]["active"] for system in ("chat", "intranet")] == [True, True]
    assert people(world, "chat")["anna"]["title"] == "Head"
    assert rooms(world)["sales"] == {"anna", "cleo"}
    world.quiet()


def test_who_is_deleted_in_hr_is_disabled(world: World) -> None:
    world.run()
    world.hr.drop("people", "2")
    world.run()
    assert [people(world, system)["bert"]["active"] for system in ("chat", "intranet")] == [False, False]
    world.quiet()


def test_two_flows_that_share_a_target_do_not_undo_each_other(world: World) -> None:
    second_flow(world, only='employee_number == "2"')
    for _ in range(2):
        world.run()
        world.run("second")
    assert people(world, "chat")["anna"].get("active") is not False
    before = len(world.chat.calls)
    world.run()
    world.run("second")
    assert len(world.chat.calls) == before
