"""What a step tells: counts, warnings, and why nothing moved where nothing did."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from landbridge.errors import LandbridgeError

# Seconds between two words on how far a long step has come: to who listens, else to the log.
LISTENED, LOGGED = 1.0, 30.0
Tell = Callable[[str], None]
log = logging.getLogger("landbridge.sync")


@dataclass
class Report:
    """The outcome of one step; `reason` is never empty where nothing moved."""

    run: str
    subject: str
    counts: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    reason: str = ""
    # What failed while everything else went on; told beside the report, so not part of its dict.
    failures: list[LandbridgeError] = field(default_factory=list)
    # What makes a run one that moved something; the rest of the counts explain it.
    moving: tuple[str, ...] = (
        "new",
        "changed",
        "gone",
        "created",
        "updated",
        "deleted",
        "disabled",
        "enabled",
        "merged",
    )

    @property
    def moved(self) -> bool:
        return any(self.counts[name] for name in self.moving)

    def as_dict(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "subject": self.subject,
            "counts": {name: count for name, count in self.counts.items() if count},
            "warnings": self.warnings,
            "moved": self.moved,
            "reason": self.reason,
        }


class Progress:
    """Says now and then how far a step has come."""

    def __init__(self, report: Report, tell: Tell | None) -> None:
        self._report, self._tell = report, tell or self._log
        self._every = LISTENED if tell else LOGGED
        self._last = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._last >= self._every:
            counts = self._report.counts
            self._tell(", ".join(f"{counts[name]:,} {name}" for name in ("read", *self._report.moving) if counts[name]))
            self._last = time.monotonic()

    def _log(self, text: str) -> None:
        log.info("%s: %s so far.", self._report.subject, text)
