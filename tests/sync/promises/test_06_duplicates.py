"""Promise 6: what was uncertain is looked up before it is sent again."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from landbridge.errors import TransientError
from tests.sync.acting import Killed, logins
from tests.sync.conftest import World


def test_6_an_uncertain_write_is_looked_up_before_it_is_sent_again(world: World) -> None:
    world.run("people")
    world.intranet.put("posts", title="T", body="b", state="published", category="it")

    def lose_the_answer(op: str, stream: str, native: Any) -> None:
        if stream == "messages":
            raise TransientError("The answer was lost.", uncertain=True)

    world.chat.after = lose_the_answer
    assert isinstance(world.run("news")["news"].failures[0], TransientError)
    world.chat.after = lambda *call: None
    world.quiet()
    assert len(world.chat.all("messages")) == 1


@pytest.mark.parametrize("nth", range(1, 9))
def test_6_killed_after_any_write_nothing_is_twice(world: World, nth: int, no_run_alive: None) -> None:
    seen = Counter[str]()

    def die(op: str, stream: str, native: Any) -> None:
        seen["writes"] += 1
        if seen["writes"] == nth:
            raise Killed

    world.chat.after = world.intranet.after = die
    with pytest.raises(Killed):
        world.run("people")
        raise Killed
    world.chat.after = world.intranet.after = lambda *call: None
    world.quiet()
    assert logins(world, "chat") == logins(world, "intranet") == ["anna", "bert", "cleo"]
    assert len(world.chat.all("memberships")) == 3
