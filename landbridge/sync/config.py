"""The shape of config/systems.yaml and config/flows/*.yaml; unknown keys are refused."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from landbridge.model import Scope

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def parse_duration(value: Any) -> Any:
    """ "15 minutes" → timedelta; "at once" → zero."""
    if isinstance(value, timedelta):
        return value
    if value == "at once":
        return timedelta(0)
    found = re.fullmatch(r"(\d+)\s*(second|minute|hour|day|week)s?", str(value).strip())
    if not found:
        raise ValueError('expected a duration such as "15 minutes", "1 hour", "30 days" or "at once"')
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def _parse_rate(value: Any) -> Any:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*/\s*(s|second|min|minute|h|hour)", str(value).strip())
    if not found:
        raise ValueError('expected a rate such as "50/s" or "60/min"')
    return float(found[1]) / {"s": 1, "m": 60, "h": 3600}[found[2][0]]


def _whole_days(value: timedelta) -> timedelta:
    if value < timedelta(days=1) or value % timedelta(days=1):
        raise ValueError('expected whole days, such as "1 day" or "1 week"')
    return value


def _known_zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError('expected a time zone such as "Europe/Berlin" or "UTC"') from None


Duration = Annotated[timedelta, BeforeValidator(parse_duration, json_schema_input_type=str)]
Rate = Annotated[float, BeforeValidator(_parse_rate, json_schema_input_type=str)]

Confidence = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SystemConfig(Strict):
    """One account of one product. `audience` is who sees what it holds where the record itself does not say."""

    connector: str = Field(description="the connector's name, e.g. wordpress")
    connection: str | None = Field(None, description="id of the Airflow connection; the system's name where left out")
    streams: tuple[str, ...] | None = Field(None, description="the streams to read; all mapped ones where left out")
    options: dict[str, Any] = Field(
        {},
        description="fields of the connection that are no secret and belong to the configuration, e.g. which tables a "
        "database has",
    )
    audience: Scope = Field(Scope.NOBODY, description="who sees what the system holds: public, company, nobody")
    every: Duration = Field(timedelta(minutes=5), description="how often it is read")
    sweep: Duration = Field(timedelta(days=1), description="how often a full read looks for deletions")
    rate: Rate = Field(
        20.0, description='requests of all workers together at most, e.g. "50/s"; less where the system refuses'
    )
    window: Duration | None = Field(
        None,
        description="where the system takes no more than `rate` allows in any time of this length, e.g. 1 second, instead of "
        "giving out so many a second: requests are then spread evenly, and stay a little below",
    )
    workers: int = Field(8, ge=1, le=64, description="writes at the same time, and the size of the Airflow pool")


class SystemsFile(Strict):
    """config/systems.yaml"""

    systems: dict[str, SystemConfig]


class SourceConfig(Strict):
    """A stream that feeds the flow's kind."""

    authority: tuple[str, ...] = Field(
        (), description="fields that this stream alone decides, in the order of the file"
    )
    only: str | None = Field(None, description='condition on the entity, e.g. state == "published"')
    creates: bool | None = Field(None, description="may say that someone exists; by default the first stream of `from`")


class Leaver(Strict):
    """What happens to an account when its person is out of scope."""

    disable: Duration = Field(timedelta(0), description="how long after leaving the account is disabled")
    delete: Duration | None = Field(None, description="how long after disabling it is deleted; never where left out")


class TargetConfig(Strict):
    """A stream that shows the flow's kind."""

    only: str | None = Field(None, description="condition on the entity, e.g. active")
    leaver: Leaver | None = Field(None, description="what happens to the account of who is out of scope")
    space: str | None = Field(None, description='name of the space, e.g. "news-{category}"; made where it is not there')
    name: str | None = Field(None, description='name of what is created, e.g. "case-{number}"')
    path: str | None = Field(None, description='path of the page, e.g. "Answers/{title}"')
    members: tuple[str, ...] = Field((), description="fields whose people (or groups' members) belong to it")
    answer: str = Field(
        "✅", description="reaction that marks an answer in an article's thread; one that a forum accepted needs none"
    )
    edited_by_people: Literal["decide", "overwrite", "keep"] = Field(
        "overwrite", description="what an update does where a person has edited what was written"
    )
    corrections: Duration | None = Field(
        None,
        description="where messages cannot be changed (e-mail): what is edited later than this after it was said is told in an "
        'answer to it, e.g. "10 minutes"; nobody is told where left out',
    )


class GroupsConfig(Strict):
    """Groups shown as spaces."""

    to: str = Field(description="the stream of spaces, e.g. chat/rooms")
    members: str = Field(description="the person field that names the group, e.g. department")


class MessagesConfig(Strict):
    """The messages of one system that belong to what the flow shows."""

    only: str | None = Field(
        None, description='which of its messages go elsewhere, e.g. marked("📌"); all where left out'
    )


class Brake(Strict):
    """More deletes and disables than the smaller of `most` and max(`least`, `share`) wait for a person.

    Counted is what happens to different people, documents and rooms, together with what was written in the last `window`.
    """

    most: int = Field(500, ge=0, description="never more than this many per target")
    share: float = Field(0.05, gt=0, le=1, description="of the records known in the target")
    least: int = Field(10, ge=0, description="this many are always allowed")
    window: Duration = Field(
        timedelta(days=1), description="how long what was written counts, so that several small runs stay one"
    )


class DigestConfig(Strict):
    """When digests are sent; who has nothing new gets none."""

    every: Annotated[Duration, AfterValidator(_whole_days)] = Field(
        timedelta(days=1), description="how long a digest looks back: whole days; weeks end on Mondays"
    )
    at: str = Field(
        "07:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="when a period ends; it is sent soon after"
    )
    zone: Annotated[str, AfterValidator(_known_zone)] = Field("UTC", description='time zone, e.g. "Europe/Berlin"')


class FlowConfig(Strict):
    """config/flows/<flow>.yaml"""

    flow: str = Field(description="its name; the DAG is flow__<name>")
    purpose: str = Field("", description="why this data moves, in a sentence that the works council can read")
    kind: Literal["person", "group", "space", "document", "case", "message", "membership"] = Field(
        description="what it is about"
    )
    from_: dict[str, SourceConfig | None] = Field(
        alias="from", description="the streams that feed it, the one that says who or what exists first"
    )
    spaces: tuple[str, ...] = Field(
        (),
        description="for messages: only what is said in the spaces of these names (aliases); in all of them where left out",
    )
    as_: Literal["announcement", "room", "article", "digest"] | None = Field(
        None,
        alias="as",
        description="shown as another kind: document as message, case as space, thread as document; or, as digest, the "
        "messages of a period as one",
    )
    digest: DigestConfig | None = Field(None, description="with `as: digest`: how often and when")
    match: tuple[str, ...] | dict[str, Confidence] = Field(
        (),
        description="identifier fields that link records of several systems, strongest first; with a number, how sure "
        "an equal value makes us: below 0.9 a person is asked, and what is 1 may not contradict",
    )
    to: dict[str, TargetConfig | None] = Field({}, description="the streams that show it")
    groups: dict[str, GroupsConfig] = Field({}, description="streams of groups that are shown as spaces")
    replies: Literal["both", "in", "out", "none"] = Field(
        "none", description="whether answers go back to the source (in), out to the target, both, or none"
    )
    messages: dict[str, MessagesConfig | None] = Field(
        {}, description="systems whose messages are exchanged, with conditions"
    )
    announce: tuple[str, ...] = Field((), description="fields whose change is said in the projected room")
    every: Duration | None = Field(None, description="how often it runs even if no source moved; retries what is due")
    brake: Brake = Field(Brake(), description="how many deletes and disables need no person")
