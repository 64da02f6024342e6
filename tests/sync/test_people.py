"""The people flow: joiner, mover, name change, leaver, rehire."""

from __future__ import annotations

from tests.sync.conftest import World


def people(world: World, system: str) -> dict[str, dict[str, object]]:
    return {str(one["login"]): one for one in world.systems[system].all("people")}


def rooms(world: World) -> dict[str, set[str]]:
    """Room alias → logins of its members."""
    logins = {one["id"]: one["login"] for one in world.chat.all("people")}
    aliases = {one["id"]: one["alias"] for one in world.chat.all("rooms")}
    found: dict[str, set[str]] = {alias: set() for alias in aliases.values()}
    for one in world.chat.all("memberships"):
        found[aliases[one["room"]]].add(logins[one["user"]])
    return found


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
