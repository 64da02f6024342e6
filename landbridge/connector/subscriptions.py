"""Being told by a system only of what it was asked for, and only for a while: asked in time, anew, and no more."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field

from landbridge.connector.base import Connector
from landbridge.connector.watching import News
from landbridge.errors import ConfigError, NotFound, RecordError, ScopeError, TransientError
from landbridge.http import Throttle

# How often is looked what is wanted and what is still there, and when again where all was refused.
LOOK, REFUSED = timedelta(hours=6), timedelta(minutes=5)
# So many are asked for before what has come meanwhile is taken.
AT_ONCE = 20
NEVER = datetime.min.replace(tzinfo=UTC)

# A field `notification_url` of a Config.
NotificationUrl = Annotated[
    str | None,
    Field(
        pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])",
        description="public address of what `landbridge watch --http` takes for this system",
    ),
]


@dataclass(frozen=True)
class Subscription:
    """`id` is the system's; `until`: when it ends, unless it is renewed."""

    id: str
    until: datetime


class Subscribed(Connector):
    """Keeps its subscriptions by four steps of a connector, whose Config says `notification_url`.

    What an earlier process has asked for is taken back first: what it was told bears a secret that nobody knows any more.
    """

    # Where something has changed that no news name, this is read from where reading stands.
    told_stream: ClassVar[str]
    # For how long is asked, and what of it is left when it is renewed.
    life: ClassVar[timedelta] = timedelta(hours=24)
    left: ClassVar[timedelta] = timedelta(hours=12)

    def __init__(self, config: Any, throttle: Throttle | None = None) -> None:
        super().__init__(config, throttle)
        # What is told has to bear it.
        self.secret = secrets.token_urlsafe(32)
        # By resource; those that were refused are wanted again after the next look.
        self._wanted: list[str] = []
        self._subscriptions: dict[str, Subscription] = {}
        # `_gap`: something has changed, or may have, that no news name.
        self._look_at, self._gap = NEVER, False
        # Ids that the system calls ended or due; other threads hear it.
        self._ended, self._due = deque[str](), deque[str]()

    # Steps of a connector

    def resources(self) -> Iterable[str]:
        """What is to be told of, in the system's words."""
        raise NotImplementedError

    def there(self) -> Iterable[str]:
        """Ids of all subscriptions that tell this `address`."""
        raise NotImplementedError

    def made(self, resource: str, until: datetime) -> str:
        """Asks for a new one; its id. RecordError and ScopeError are refusals of this resource only."""
        raise NotImplementedError

    def renewed(self, id: str, until: datetime) -> None:
        """Raises NotFound where there is none (any more)."""
        raise NotImplementedError

    def removed(self, id: str) -> None:
        """That there is none (any more) is no error."""
        raise NotImplementedError

    # What a connector says when it hears of it

    def is_ours(self, secret: object) -> bool:
        """Whether what was told bears the secret that the system was given."""
        return secrets.compare_digest(str(secret).encode(), self.secret.encode())

    def told_too_little(self) -> None:
        """Something has changed that no news name: the stream is read."""
        self._gap = True

    def told_to_renew(self, id: str) -> None:
        """Whenever it would end."""
        self._due.append(id)

    def told_of_end(self, id: str) -> None:
        """It is asked for anew."""
        self._ended.append(id)

    # What is made of them

    @property
    def address(self) -> str | None:
        found: str | None = self.config.notification_url
        return found

    def subscribe(self) -> Sequence[News]:
        now = datetime.now(UTC)
        self._hear(now)
        if self._look_at <= now:
            self._look()
            self._look_at = now + LOOK
        due = [one for one in self._wanted if self._until(one) - now < self.left]
        try:
            for resource in due[:AT_ONCE]:
                self._ask(resource, now + self.life)
        except TransientError as error:
            if error.uncertain:  # whether there is one more, only the system knows
                self._look_at = NEVER
            raise
        if len(due) > AT_ONCE or not self._gap:
            return ()
        self._gap = False
        return (News(self.told_stream),)

    # Steps of the above

    def _until(self, resource: str) -> datetime:
        return self._subscriptions[resource].until if resource in self._subscriptions else NEVER

    def _hear(self, now: datetime) -> None:
        of = {one.id: resource for resource, one in self._subscriptions.items()}
        while self._due:
            if (id := self._due.popleft()) in of:
                self._subscriptions[of[id]] = Subscription(id, now)
        while self._ended:
            self._subscriptions.pop(of.get(self._ended.popleft(), ""), None)

    def _look(self) -> None:
        """What the system knows no more is forgotten; what it has and nobody wants (any more) is taken back."""
        if self.address is None:
            raise ConfigError(
                f"{self.system} cannot be asked to tell what changes.",
                remedy="Say notification_url in the connection, or name the systems to listen to without this one.",
            )
        self._wanted, there = list(self.resources()), set(self.there())
        known = self._subscriptions.items()
        self._subscriptions = {of: one for of, one in known if one.id in there and of in self._wanted}
        for id in there - {one.id for one in self._subscriptions.values()}:
            self.removed(id)

    def _ask(self, resource: str, until: datetime) -> None:
        """What is refused keeps nothing else from being told; where all is, that is an error."""
        try:
            id = self._renewed(resource, until) or self._made(resource, until)
        except (RecordError, ScopeError) as error:
            self._subscriptions.pop(resource, None)
            self._wanted.remove(resource)
            if not self._wanted:
                self._look_at = datetime.now(UTC) + REFUSED
                raise TransientError(
                    f"{self.system} will not tell what changes: {error}",
                    remedy="Does it reach notification_url from outside, and has the account the rights to read?",
                ) from error
        else:
            self._subscriptions[resource] = Subscription(id, until)

    def _renewed(self, resource: str, until: datetime) -> str | None:
        """None where there is no subscription (any more)."""
        if (known := self._subscriptions.get(resource)) is None:
            return None
        try:
            self.renewed(known.id, until)
        except NotFound:
            return None
        return known.id

    def _made(self, resource: str, until: datetime) -> str:
        made = self.made(resource, until)
        self._gap = True
        return made
