"""What connectors share whose systems tell only what they were asked for, on a small system in memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from landbridge.connector import ConnectionConfig, News, NotificationUrl, Subscribed, Subscribes
from landbridge.connector import subscriptions as shared
from landbridge.errors import ConfigError, LandbridgeError, NotFound, RecordError, ScopeError, TransientError

ALL = (News("letters"),)


class Config(ConnectionConfig):
    notification_url: NotificationUrl = None


class Post(Subscribed):
    """Tells of the boxes that it was asked for; what it was asked stands in `calls`."""

    system = "post"
    Config = Config
    told_stream = "letters"

    def __init__(self, url: str | None = "https://us.example.org/post") -> None:
        super().__init__(Config(host="https://post.example.org", notification_url=url))
        self.boxes = ["a", "b"]
        self.subscriptions: dict[str, tuple[str, datetime]] = {}
        self.calls: list[tuple[str, str]] = []
        self.answers: dict[str, LandbridgeError] = {}
        self.count = 0

    def resources(self) -> list[str]:
        return self.boxes

    def there(self) -> Iterator[str]:
        yield from list(self.subscriptions)

    def made(self, resource: str, until: datetime) -> str:
        self.calls.append(("made", resource))
        error = self.answers.get(resource)
        if error is not None and not isinstance(error, TransientError):
            raise error
        self.count += 1
        self.subscriptions[f"s{self.count}"] = (resource, until)
        if error is not None:
            raise error
        return f"s{self.count}"

    def renewed(self, id: str, until: datetime) -> None:
        self.calls.append(("renewed", id))
        if id not in self.subscriptions:
            raise NotFound("It has ended.")
        self.subscriptions[id] = (self.subscriptions[id][0], until)

    def removed(self, id: str) -> None:
        self.calls.append(("removed", id))
        self.subscriptions.pop(id, None)

    def receive(self, pushed: object) -> object:
        raise NotImplementedError

    @property
    def of(self) -> dict[str, str]:
        return {resource: id for id, (resource, _) in self.subscriptions.items()}

    def asked(self) -> list[tuple[str, str]]:
        """Since the last time."""
        found, self.calls = self.calls, []
        return found


@pytest.fixture
def post() -> Post:
    """Nobody was told before, so the stream is read."""
    made = Post()
    assert isinstance(made, Subscribes)
    assert made.subscribe() == ALL
    assert made.asked() == [("made", "a"), ("made", "b")]
    return made


def test_nothing_is_asked_twice_before_it_is_due(post: Post) -> None:
    assert post.subscribe() == () and post.asked() == []


def test_what_ends_soon_is_renewed_and_leaves_no_gap(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Post, "left", timedelta(hours=23))
    monkeypatch.setattr(Post, "life", timedelta(hours=30))
    assert post.subscribe() == () and post.asked() == []
    monkeypatch.setattr(Post, "left", timedelta(hours=25))
    assert post.subscribe() == ()
    assert post.asked() == [("renewed", "s1"), ("renewed", "s2")]
    assert all(until > datetime.now(UTC) + timedelta(hours=29) for _, until in post.subscriptions.values())


def test_what_has_ended_meanwhile_is_made_anew_and_the_stream_is_read(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    del post.subscriptions["s1"]
    monkeypatch.setattr(Post, "left", timedelta(hours=25))
    monkeypatch.setattr(Post, "life", timedelta(hours=30))
    assert post.subscribe() == ALL
    assert post.asked() == [("renewed", "s1"), ("made", "a"), ("renewed", "s2")]


def test_what_the_system_says_of_a_subscription_is_heeded(post: Post) -> None:
    post.told_to_renew("s1")
    post.told_to_renew("unknown")
    assert post.subscribe() == () and post.asked() == [("renewed", "s1")]
    post.told_too_little()
    assert post.subscribe() == ALL and post.asked() == []
    post.told_of_end("s2")
    post.told_to_renew("s2")
    post.told_of_end("unknown")
    assert post.subscribe() == ALL and post.asked() == [("made", "b")]


def test_what_an_earlier_process_has_asked_for_is_taken_back(post: Post) -> None:
    later = Post()
    later.subscriptions, later.count = post.subscriptions, post.count
    assert later.subscribe() == ALL
    assert sorted(later.asked()[:2]) == [("removed", "s1"), ("removed", "s2")]
    assert later.of == {"a": "s3", "b": "s4"}
    assert not later.is_ours(post.secret) and later.is_ours(later.secret)
    assert not any(later.is_ours(forged) for forged in (None, "", "ö", 7))


def test_what_nobody_wants_any_more_is_taken_back_at_the_next_look(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.boxes = ["b", "c"]
    assert post.subscribe() == () and post.asked() == []
    monkeypatch.setattr(shared, "LOOK", timedelta())
    post._look_at = shared.NEVER
    assert post.subscribe() == ALL
    assert post.asked() == [("removed", "s1"), ("made", "c")]


@pytest.mark.parametrize("error", [ScopeError("closed"), RecordError("odd")])
def test_one_refusal_keeps_no_other_and_all_of_them_are_an_error(
    error: LandbridgeError, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = Post()
    post.answers = {"a": error}
    assert post.subscribe() == ALL and post.of == {"b": "s1"}
    assert post.subscribe() == () and len(post.asked()) == 2  # until the next look
    alone = Post()
    alone.answers = dict.fromkeys("ab", error)
    with pytest.raises(TransientError, match="reach notification_url"):
        alone.subscribe()
    assert alone.subscribe() == () and len(alone.asked()) == 2
    alone._look_at = shared.NEVER
    alone.answers = {}
    assert alone.subscribe() == ALL


def test_an_answer_that_is_lost_leaves_no_second_subscription(post: Post) -> None:
    post.told_of_end("s1")
    post.subscriptions.pop("s1")
    post.answers = {"a": TransientError("lost", uncertain=True)}
    with pytest.raises(TransientError):
        post.subscribe()
    post.answers = {}
    assert post.subscribe() == ALL
    assert post.of == {"b": "s2", "a": "s4"} and ("removed", "s3") in post.asked()


def test_many_are_asked_for_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    post = Post()
    post.boxes = [str(number) for number in range(shared.AT_ONCE + 1)]
    assert post.subscribe() == () and len(post.asked()) == shared.AT_ONCE
    assert post.subscribe() == ALL and len(post.asked()) == 1


def test_where_it_cannot_be_reached_nothing_is_asked_for() -> None:
    nowhere = Post(None)
    with pytest.raises(ConfigError, match="notification_url"):
        nowhere.subscribe()
    assert nowhere.address is None and nowhere.asked() == []
