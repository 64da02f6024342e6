"""A connector's quality and tests, as findings of `landbridge check`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landbridge.cli.exits import Exit, code_of
from landbridge.cli.findings import Finding
from landbridge.cli.output import plural
from landbridge.cli.session import told
from landbridge.connector import connector_class
from landbridge.errors import ConfigError
from landbridge.quality import RULES, Judged, Problem, Quality, judge, proven


@dataclass(frozen=True)
class Left:
    """Something that is not proven, and why: a rule that is to do or exempt, tests that were not run."""

    what: str
    why: str
    file: str = ""
    line: int | None = None


@dataclass
class Word:
    """What a connector says of itself, what is not so, and what is left open."""

    level: str = ""
    says: str = ""
    findings: list[Finding] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    seconds: float | None = None
    details: dict[str, Any] = field(default_factory=dict)


def judged(names: Sequence[str], home: Path | None, *, tests: bool, servers: bool) -> dict[str, Word]:
    """`home` holds the company's mappings, None where there is none. A connector that cannot be loaded is a finding.

    The tests of all are run together: starts and imports are most of what they cost.
    """
    words: dict[str, Word] = {}
    found: dict[str, Judged] = {}
    for name in names:
        try:
            found[name] = judge(name, connector_class(name), (home / "mappings",) if home else ())
        except ConfigError as error:
            message, remedy = told(error)
            words[name] = Word("", "cannot be loaded", [Finding(message, remedy, code=code_of(error))])
            words[name].details = {"level": ""}
        else:
            words[name] = _word(found[name])
    if tests:
        _prove(words, {name: one for name, one in found.items() if one.tests}, servers=servers)
    return words


def _word(found: Judged) -> Word:
    word = Word(str(found.level) if found.quality else "", _rules(found), [_finding(one) for one in found.problems])
    word.left = list(_left_by(found.quality)) if found.quality else []
    word.details = {"level": word.level, "tried_against": dict(found.quality.tried) if found.quality else {}}
    return word


def _rules(found: Judged) -> str:
    if found.quality is None:
        return "says nothing of its quality"
    counted = {"to do": found.quality.counts("todo"), "exempt": found.quality.counts("exempt")}
    rest = "".join(f", {count} {what}" for what, count in counted.items() if count)
    return f"{found.quality.counts('done')} of {len(RULES)} rules{rest}"


def _left_by(quality: Quality) -> Iterator[Left]:
    for rule in RULES:
        word, why = quality.said(rule.name)
        if word in ("todo", "exempt"):
            yield Left(
                f"{rule.name} is {'to do' if word == 'todo' else word}",
                why,
                str(quality.file),
                quality.line("rules", rule.name),
            )


def _prove(words: dict[str, Word], found: dict[str, Judged], *, servers: bool) -> None:
    if not proven.can_run():
        for name in found:
            words[name].says += " · pytest is not installed, so its tests were not run"
        return
    for name, one in found.items():
        words[name].details["files"] = [str(file) for file in one.tests]
    results = proven.run_all({name: (one.tests, one.folder) for name, one in found.items()}, servers=servers)
    for name, result in results.items():
        _add(words[name], result)


def _add(word: Word, result: proven.Proven) -> None:
    """What its tests have said."""
    word.findings += [_finding(one) for one in result.problems]
    word.seconds = result.seconds
    word.left += [Left(plural(count, "skipped test"), why) for why, count in sorted(result.skipped.items())]
    word.details |= {
        "passed": result.passed, "failed": len(result.problems), "exempt": result.exempt,
        "skipped": result.skipped.total(), "left_out": [str(file) for file in result.left_out],
    }  # fmt: skip
    said = [f"{plural(result.passed, 'test')} passed"]
    said += [f"{len(result.problems)} failed"] if result.problems else []
    said += [f"{result.skipped.total()} skipped"] if result.skipped else []
    said += [f"{plural(len(result.left_out), 'file')} of real servers left out"] if result.left_out else []
    word.says += f" · {', '.join(said)}"


def _finding(problem: Problem) -> Finding:
    return Finding(problem.text, problem.remedy, problem.file, problem.line, Exit.FINDINGS)
