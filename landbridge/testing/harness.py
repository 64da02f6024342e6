"""What a connector's author tells the conformance suite: how its system is brought up, and what people do in it."""

from __future__ import annotations

import inspect
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import SecretStr

from landbridge.connector import Connector, Stream
from landbridge.connector.items import Native
from landbridge.testing import faults, page_faults
from landbridge.testing.exchange import Fault

# In place of every secret of a connection; no system can know it.
WRONG = "wrong-0123456789abcdef"


class Harness:
    """One system, a real server or an emulator, and a person in it who works beside Landbridge.

    What people made before may stay; the suite looks at differences. `exempt` says why something cannot be asked: by
    check (`deletion`), by stream (`users`) or by both (`users.deletion`). A wrong name there is a finding, too.
    """

    connector: ClassVar[type[Connector]]
    # The folder that holds <connector>/<stream>.yaml; None where that is `mappings` beside the connector's module.
    mappings: ClassVar[Path | None] = None
    exempt: ClassVar[dict[str, str]] = {}
    # More records of a stream than two pages hold.
    many: ClassVar[int] = 5
    # The system says everything at once or nothing: a cursor only tells that nothing has changed, else it has expired.
    all_or_nothing: ClassVar[bool] = False

    @classmethod
    def able(cls) -> type[Connector] | Connector:
        """Whose streams and methods count: the class; an instance where its configuration makes them."""
        return cls.connector

    @classmethod
    def mapping_file(cls, stream: str) -> Path | None:
        """The stream's mapping; None where there is none."""
        beside = (Path(inspect.getfile(one)).parent / "mappings" for one in cls.connector.__mro__[:-1])
        folders = [cls.mappings] if cls.mappings else beside
        files = (folder / cls.connector.system / f"{stream}.yaml" for folder in folders)
        return next((file for file in files if file.is_file()), None)

    # How the system is brought up

    def serve(self) -> AbstractContextManager[str]:
        """Its address for as long as the suite lasts.

        http:// and https:// get a proxy that knows HTTP, file:///… none, all others (scheme://host:port) one of TCP.
        """
        raise NotImplementedError

    def config(self, url: str) -> dict[str, Any]:
        """Fields of the connector's Config, with an account that may do all that the README's table says."""
        raise NotImplementedError

    def reset(self) -> None:
        """Called before each check; a real server may keep what it has."""

    # What people do; `text` is what a record is known by and seen as, it ends with a number of its own

    def add(self, stream: str, text: str) -> str:
        """A person makes a record: its key."""
        raise NotImplementedError

    def change(self, stream: str, key: str, text: str) -> None:
        raise NotImplementedError

    def remove(self, stream: str, key: str) -> None:
        raise NotImplementedError

    def keys(self, stream: str) -> set[str]:
        """All that are there by the system's own word, the connector not being asked."""
        raise NotImplementedError

    def backdate(self, stream: str, key: str, moment: datetime) -> bool:
        """As if the record had been changed last at this moment; False where nobody can do that, and less is asked then."""
        return False

    def told(self, stream: str, key: str) -> str | None:
        """A record as the system's news name it (`News.again`); None where they name no single records of the stream."""
        return key

    # What Landbridge writes

    def native(self, stream: str, text: str) -> Native:
        """As a mapping would give it to `create`."""
        raise NotImplementedError

    def changes(self, stream: str, text: str) -> Native:
        """As a mapping would give it to `update`."""
        return self.native(stream, text)

    # How this product says it; most say it as HTTP does

    def path(self, stream: Stream) -> str:
        """Shell pattern of the paths (without query) that reading the stream asks for."""
        return f"*/{stream.path.strip('/')}*"

    def items(self, stream: Stream) -> str | None:
        """Where its list stands in an answer, as in `landbridge.http.Pages`; None where no list is answered."""
        return stream.pages.items

    def known_by(self, stream: Stream) -> set[str]:
        """Fields of an item in that list without which the record cannot be told from others."""
        return {part.partition(".")[0] for part in stream.key}

    def limited(self, after: float | None) -> Fault:
        """The rate limit is reached; `after` in seconds, None where the system does not say."""
        return faults.too_many(after)

    def forbidden(self) -> Fault:
        """The account may not see the stream."""
        return faults.refuse(403)

    def refused(self) -> Fault:
        """What is written is not valid."""
        return faults.refuse(422)

    def expired(self) -> Fault:
        """The cursor is not known any more."""
        return faults.expired()

    def worn_out(self, stream: str, cursor: Any) -> Any:
        """A cursor of this form that the system does not know any more; None: it says so as `expired` does."""
        return None

    def spoiled(self, stream: Stream) -> Fault | None:
        """One record of each answer lacks what it is known by."""
        items, fields = self.items(stream), self.known_by(stream)
        return None if items is None else page_faults.with_list(items, lambda found: _nameless(found, fields))

    def wrong_secrets(self, config: dict[str, Any]) -> dict[str, Any]:
        """The same connection with secrets that the system does not know."""
        return config | {name: WRONG for name in self.secret_fields() if name in config}

    def secret_fields(self) -> list[str]:
        """Fields of the Config that hold a secret, by their type."""
        fields = self.connector.Config.model_fields
        return [name for name, field in fields.items() if "SecretStr" in repr(field.annotation)]

    def secrets(self, config: dict[str, Any]) -> list[str]:
        """The secrets of a connection as text."""
        values = [config[name] for name in self.secret_fields() if config.get(name)]
        return [value.get_secret_value() if isinstance(value, SecretStr) else str(value) for value in values]


def _nameless(found: list[Any], fields: set[str]) -> list[Any]:
    return [{name: value for name, value in one.items() if name not in fields} for one in found[:1]] + found[1:]
