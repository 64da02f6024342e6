"""What a step tells: counts, warnings, and why nothing moved where nothing did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from landbridge.errors import LandbridgeError


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
