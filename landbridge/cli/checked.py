"""What `landbridge check` and `landbridge doctor` have looked at, and how a person reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

from landbridge.cli.exits import Exit, gravest
from landbridge.cli.findings import Finding
from landbridge.cli.judging import Left
from landbridge.cli.output import BAD, OK, WAIT, WARN, line, number, plural, row, table, unbroken
from landbridge.cli.session import Session
from landbridge.errors import ConfigError

# In place of the level of a connector that says nothing of its quality.
NO_WORD = "–"


@dataclass
class Checked:
    """What came of one thing that was looked at; `what` is its connector or its quality."""

    name: str
    says: str = ""
    findings: list[Finding] = field(default_factory=list)
    seconds: float | None = None
    details: dict[str, Any] = field(default_factory=dict)
    what: tuple[str, str] = ("", "dim")
    left: list[Left] = field(default_factory=list)

    @property
    def code(self) -> Exit:
        return gravest(one.code for one in self.findings)

    def as_dict(self) -> dict[str, Any]:
        said = {"name": self.name, "ok": not self.findings, "says": self.says, **self.details}
        return said | ({"seconds": round(self.seconds, 2)} if self.seconds is not None else {})


def findings_of(every: list[Checked]) -> list[Finding]:
    """Each once: two accounts of one product have the same mappings, and the same mistakes in them."""
    return list(dict.fromkeys(finding for one in every for finding in one.findings))


def human(
    config: list[Checked], systems: list[Checked], findings: list[Finding], connectors: list[Checked] | None = None
) -> list[Any]:
    """Tables of what was looked at, what is left open and why, a line per finding, and at the end what it comes to."""
    groups = (("Configuration", config), ("Systems", systems), ("Connectors", connectors or []))
    every = [one for _, group in groups for one in group]
    widths = max(len(one.name) for one in every), max(len(one.what[0]) for one in every)
    parts = [part for title, group in groups if group for part in _titled(title, _table(group, widths))]
    if left := list(_left(connectors or [])):
        parts += _titled("Left open", *left)
    if findings:
        parts += _titled(plural(len(findings), "finding"), *(_told(one) for one in findings))
    if connectors:
        parts += _titled("Summary", _summary(systems, connectors, findings))
    return [*parts[1:], *([] if findings else ["", line(OK, (" All is well.", "bold green"))])]


def at_home(session: Session) -> bool:
    """A connector can be checked where there is no company, as its author does."""
    try:
        return bool(session.home)
    except ConfigError:
        return False


def _titled(title: str, *parts: Any) -> list[Any]:
    return ["", line((title, "bold underline")), *parts]


def _told(finding: Finding) -> Text:
    mark = WARN if finding.code is Exit.FINDINGS else BAD
    place = f"{finding.place}: " if finding.file else ""
    rest = f" {finding.remedy}" if finding.remedy else ""
    return unbroken(mark, " ", (place, "cyan"), finding.text, (rest, "dim"))


def _left(connectors: list[Checked]) -> Iterator[Text]:
    """What is not proven, and why; connectors of one folder leave the same."""
    whose: dict[Left, list[str]] = {}
    for one in connectors:
        for left in one.left:
            whose.setdefault(left, []).append(one.name)
    for left, names in whose.items():
        place = f"{Finding('', file=left.file, line=left.line).place}: " if left.file else ""
        yield unbroken(WAIT, " ", (place, "cyan"), f"{', '.join(names)}: {left.what}: ", (left.why, "dim"))


def _summary(systems: list[Checked], connectors: list[Checked], findings: list[Finding]) -> Any:
    levels = Counter(one.what[0] for one in connectors)
    # Connectors of one folder share their tests.
    ran = {tuple(one.details.get("files", (one.name,))): one.details for one in connectors}.values()
    counted = {name: sum(one.get(name, 0) for one in ran) for name in ("passed", "exempt", "skipped")}
    files = {file for one in connectors for file in one.details.get("left_out", ())}
    said = ", ".join(f"{number(count)} {name}" for name, count in counted.items() if count)
    tests = [said, f"{plural(len(files), 'file')} of real servers left out: --servers runs them" if files else ""]
    made = table("", "", wide=1)
    if systems:
        row(made, "systems", f"{len(systems)}, {sum(not one.findings for one in systems)} of them as they should be")
    worth = ", ".join(
        f"{count} {level if level != NO_WORD else 'without a word'}" for level, count in levels.most_common()
    )
    row(made, "connectors", f"{len(connectors)}: {worth}")
    if any(tests):
        row(made, "tests", " · ".join(filter(None, tests)))
    row(made, "findings", str(len(findings) or "none"))
    return made


def _table(found: list[Checked], widths: tuple[int, int]) -> Any:
    """Its second and third column are as wide as in the other tables."""
    made = table("", "", "", "", "#", wide=3)
    made.columns[1].min_width, made.columns[2].min_width = widths
    for one in found:
        mark = OK if not one.findings else WARN if one.code is Exit.FINDINGS else BAD
        took = f"{one.seconds:.1f} s" if one.seconds is not None else ""
        row(made, mark, (one.name, "bold"), one.what, one.says, (took, "dim"))
    return made
