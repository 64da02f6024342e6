"""A connector's quality and tests, as findings of `landbridge check`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landbridge.cli.exits import Exit, code_of
from landbridge.cli.findings import Finding
from landbridge.cli.output import plural
from landbridge.cli.session import told
from landbridge.connector import connector_class
from landbridge.errors import ConfigError
from landbridge.quality import RULES, Judged, Problem, judge, proven


@dataclass
class Word:
    """What a connector says of itself, and what is not so."""

    level: str = ""
    says: str = ""
    findings: list[Finding] = field(default_factory=list)
    seconds: float | None = None
    details: dict[str, Any] = field(default_factory=dict)


def judged(name: str, home: Path | None, *, tests: bool, servers: bool) -> Word:
    """`home` holds the company's mappings, None where there is none. A connector that cannot be loaded is a finding."""
    try:
        cls = connector_class(name)
    except ConfigError as error:
        message, remedy = told(error)
        return Word("", "cannot be loaded", [Finding(message, remedy, code=code_of(error))], details={"level": ""})
    found = judge(name, cls, (home / "mappings",) if home else ())
    word = Word(str(found.level) if found.quality else "", _rules(found), [_finding(one) for one in found.problems])
    word.details = {"level": word.level, "tried_against": dict(found.quality.tried) if found.quality else {}}
    if tests and found.tests:
        _prove(word, found, servers=servers)
    return word


def _rules(found: Judged) -> str:
    if found.quality is None:
        return "says nothing of its quality"
    counted = {"to do": found.quality.counts("todo"), "exempt": found.quality.counts("exempt")}
    rest = "".join(f", {count} {what}" for what, count in counted.items() if count)
    return f"{found.quality.counts('done')} of {len(RULES)} rules{rest}"


def _prove(word: Word, found: Judged, *, servers: bool) -> None:
    if not proven.can_run():
        word.says += " · pytest is not installed, so its tests were not run"
        return
    result = proven.run(found.tests, found.folder, servers=servers)
    word.findings += [_finding(one) for one in result.problems]
    word.seconds = result.seconds
    word.details |= {
        "passed": result.passed,
        "failed": len(result.problems),
        "exempt": result.exempt,
        "skipped": result.skipped,
    }
    said = [f"{plural(result.passed, 'test')} passed"]
    said += [f"{len(result.problems)} failed"] if result.problems else []
    said += [f"{result.skipped} skipped"] if result.skipped else []
    said += [f"{plural(len(result.left_out), 'file')} of real servers left out"] if result.left_out else []
    word.says += f" · {', '.join(said)}"


def _finding(problem: Problem) -> Finding:
    return Finding(problem.text, problem.remedy, problem.file, problem.line, Exit.FINDINGS)
