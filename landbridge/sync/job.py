"""One delivery on its way: claimed, then sent, then kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from landbridge.errors import FileError, LandbridgeError
from landbridge.mapping import Mapping
from landbridge.store.deliveries import Delivery
from landbridge.sync.decide import Action
from landbridge.sync.routes import Flow, Route

Native = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A claimed delivery with everything that sending needs; made in one transaction, used outside of any."""

    run: str
    flow: Flow
    delivery: Delivery
    route: Route
    action: Action
    mapping: Mapping
    marker: str
    uncertain: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    # What an earlier try may have made is not what is wanted now.
    outdated: bool = False
    # What it may have wanted instead, the first try first.
    tried: tuple[dict[str, Any], ...] = ()
    # The claim of an answer that tells this edit, where nothing can be edited.
    told: dict[str, Any] | None = None
    # When the message was said and edited, where it says so.
    said_at: str | None = None
    edited_at: str | None = None

    def label(self, kind: str, key: str) -> str | None:
        """The name to show for a mention of this native key."""
        return self.labels.get(key)


@dataclass(frozen=True)
class Result:
    """What became of a job: `count` for the report, `state` for its delivery.

    `written`: the system has done it, and has the record now as `native` (None where it is gone). `sent`: it was asked.
    `stops`: the whole target has to stop, or this partition at least. `refused`: one of its files cannot go along, and
    without it the rest is next. `left`: why files stay at their source.
    """

    job: Job
    count: str
    state: str
    written: bool = False
    native: Native | None = None
    lossy: tuple[str, ...] = ()
    error: LandbridgeError | None = None
    sent: bool = True
    stops: bool = False
    reason: str | None = None
    attempts: int | None = None
    next_at: str | None = None
    refused: FileError | None = None
    left: tuple[str, ...] = ()

    @property
    def in_vain(self) -> bool:
        """Only looked for, and not there."""
        return self.job.action.state == "done" and self.state == "done" and not self.written
