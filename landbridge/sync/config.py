"""The shape of config/systems.yaml and config/flows/*.yaml; unknown keys are refused."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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


Duration = Annotated[timedelta, BeforeValidator(parse_duration, json_schema_input_type=str)]
Rate = Annotated[float, BeforeValidator(_parse_rate, json_schema_input_type=str)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SystemConfig(Strict):
    """One account of one product. `audience` is who sees what it holds where the record itself does not say."""

    connector: str = Field(description="the connector's name, e.g. wordpress")
    connection: str | None = Field(None, description="id of the Airflow connection; the system's name where left out")
    streams: tuple[str, ...] | None = Field(None, description="the streams to read; all mapped ones where left out")
    audience: Scope = Field(Scope.NOBODY, description="who sees what the system holds: public, company, nobody")
    every: Duration = Field(timedelta(minutes=5), description="how often it is read")
    sweep: Duration = Field(timedelta(days=1), description="how often a full read looks for deletions")
    rate: Rate = Field(20.0, description='requests of all workers together, e.g. "50/s"')
    workers: int = Field(8, ge=1, le=64, description="writes at the same time, and the size of the Airflow pool")


class SystemsFile(Strict):
    """config/systems.yaml"""

    systems: dict[str, SystemConfig]


class SourceConfig(Strict):
    """A stream that feeds the flow's kind."""

    authority: tuple[str, ...] = Field(
        (), description="fields that this stream alone decides, in the order of the file"
    )
    only: str | None = Field(None, description="condition on the entity")
    creates: bool | None = Field(None, description="may say that someone exists; by default the first stream of `from`")


class Leaver(Strict):
    """What happens to an account when its person is out of scope."""

    disable: Duration = timedelta(0)
    delete: Duration | None = None


class TargetConfig(Strict):
    """A stream that shows the flow's kind."""

    only: str | None = None
    leaver: Leaver | None = None
    space: str | None = Field(None, description='name of the space, e.g. "news-{category}"')
    name: str | None = Field(None, description='name of what is created, e.g. "case-{number}"')
    path: str | None = Field(None, description='path of the page, e.g. "Answers/{title}"')
    members: tuple[str, ...] = Field((), description="fields whose people (or groups' members) belong to it")
    answer: str = Field("✅", description="reaction that marks an answer in an article's thread")
    edited_by_people: Literal["decide", "overwrite", "keep"] = "overwrite"


class GroupsConfig(Strict):
    """Groups shown as spaces, and the person field that says who belongs to them."""

    to: str
    members: str


class MessagesConfig(Strict):
    only: str | None = None


class Brake(Strict):
    """A plan with more deletes and disables than this waits for a person."""

    most: int = 500
    share: float = Field(0.05, gt=0, le=1)
    least: int = 10


class FlowConfig(Strict):
    """config/flows/<flow>.yaml"""

    flow: str
    purpose: str = ""
    kind: Literal["person", "group", "space", "document", "case", "message"]
    from_: dict[str, SourceConfig | None] = Field(alias="from")
    as_: Literal["announcement", "room", "article"] | None = Field(None, alias="as")
    match: tuple[str, ...] = ()
    to: dict[str, TargetConfig | None] = {}
    groups: dict[str, GroupsConfig] = {}
    replies: Literal["both", "in", "out", "none"] = "none"
    messages: dict[str, MessagesConfig | None] = {}
    announce: tuple[str, ...] = Field((), description="fields whose change is said in the projected room")
    every: Duration | None = None
    brake: Brake = Brake()
