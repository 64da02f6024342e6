"""Holds a quality.yaml against what is there: tests, mappings, README, and the connector's class."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from landbridge.connector import Connector
from landbridge.errors import ConfigError, MappingError, did_you_mean
from landbridge.mapping import load_mapping
from landbridge.quality.form import Quality, files_named, load_quality, tests_named
from landbridge.quality.kept import leaks
from landbridge.quality.named import Named, files_of, index, tests_of
from landbridge.quality.rules import BY_NAME, RULES, Level

_PERMISSIONS = re.compile(
    r"^#+ .*permission.*$\n+(?:[^#|\n].*\n+)*(?P<table>(?:\|.*\n)+)", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it is said, or not said; `line` counts from 1."""

    text: str
    remedy: str = ""
    file: str = ""
    line: int | None = None


@dataclass
class Judged:
    """A connector's quality as a machine sees it; `level` holds as long as there is no problem."""

    connector: str
    folder: Path
    quality: Quality | None = None
    problems: list[Problem] = field(default_factory=list)
    tests: list[Path] = field(default_factory=list)

    @property
    def level(self) -> Level:
        return self.quality.level if self.quality else Level.NONE


def folder_of(cls: type[Connector]) -> Path:
    return Path(inspect.getfile(cls)).resolve().parent


def judge(connector: str, cls: type[Connector], mappings: tuple[Path, ...] = ()) -> Judged:
    """`mappings` are folders that hold <connector>/<stream>.yaml beside those of the connector's own distribution."""
    folder = folder_of(cls)
    judged = Judged(connector, folder, tests=files_of(folder.name, folder) or files_of(connector, folder))
    file = folder / "quality.yaml"
    if not file.exists():
        text = f"The connector {connector} says nothing of its quality."
        judged.problems.append(Problem(text, f"Write quality.yaml with the {len(RULES)} rules.", str(file)))
        return judged
    try:
        judged.quality = load_quality(file)
    except ConfigError as error:
        judged.problems.append(_of(error))
        return judged
    judged.problems += _of_names(judged.quality)
    judged.problems += _of_tests(judged.quality, judged.tests, tests_of(folder))
    judged.problems += _of_class(judged.quality, cls)
    judged.problems += _of_mappings(judged.quality, cls, _mapping_folders(folder, mappings))
    judged.problems += _of_recordings(cls, tests_of(folder))
    judged.problems += _of_readme(judged.quality, cls, folder / "README.md")
    return judged


def _of(error: ConfigError) -> Problem:
    text = str(error.args[0])
    where = f"{error.file}:{error.line}: " if error.line else f"{error.file}: "
    return Problem(text.removeprefix(where), error.remedy, error.file, error.line)


def _of_names(quality: Quality) -> Iterator[Problem]:
    """Each rule is there once, with one word and what belongs to it; nothing else is."""
    for name, said in quality.rules.items():
        line = quality.line("rules", name)
        if name not in BY_NAME:
            yield Problem(f"There is no rule {name!r}.", did_you_mean(name, BY_NAME, "Rules"), str(quality.file), line)
        elif len(said) != 1 or not next(iter(said.values())).strip():
            text = f"{name}: expected one of done (by which test), todo or exempt (why)."
            yield Problem(text, f"Write `{name}: {{done: test_…}}`.", str(quality.file), line)
    for rule in RULES:
        if rule.name not in quality.rules:
            text = f"The rule {rule.name} is missing: {rule.says}."
            yield Problem(text, f"Add `{rule.name}: {{todo: …}}`.", str(quality.file), quality.line("rules"))


def _of_tests(quality: Quality, files: list[Path], root: Path | None) -> Iterator[Problem]:
    """What `done` names is there, is no empty shell, and is not skipped; where there are no tests, nothing is said."""
    if root is None:
        return
    known = index(files)
    for rule in RULES:
        word, by = quality.said(rule.name)
        line = quality.line("rules", rule.name)
        if word != "done" or rule.name == "permissions_table":
            continue
        names, paths = list(tests_named(by)), list(files_named(by))
        if not names and not paths:
            text = f"{rule.name} is done by no test: {rule.says}."
            yield Problem(text, "Name the test that proves it.", str(quality.file), line)
        for path in paths:
            if not (root.parent / path).exists():
                yield Problem(
                    f"{rule.name}: there is no {path}.", "Name a file that is there.", str(quality.file), line
                )
        for name in names:
            yield from _of_test(quality, rule.name, name, known, line)


def _of_test(quality: Quality, rule: str, name: str, known: Mapping[str, Named], line: int | None) -> Iterator[Problem]:
    found = known.get(name)
    if found is None:
        text = f"{rule}: no test of this connector is called {name}."
        near = next(iter(get_close_matches(name, known, 1)), "one that is there")
        yield Problem(text, f"Name {near}, or write `todo`.", str(quality.file), line)
    elif found.idle:
        yield Problem(f"{name} {found.idle}, so it does not prove {rule}.", "Have it run.", str(found.file), found.line)


def _of_class(quality: Quality, cls: type[Connector]) -> Iterator[Problem]:
    """What the class itself tells."""

    def problem(rule: str, text: str, remedy: str) -> Problem:
        return Problem(f"{rule}: {text}", remedy, str(quality.file), quality.line("rules", rule))

    if cls.check is Connector.check:
        yield problem("check_names_account_and_scopes", "the connector has no check().", "Return an Account.")
    if cls.Config.model_config.get("extra") != "forbid":
        yield problem("config_refuses_unknown_keys", "the Config takes unknown keys.", 'Use extra="forbid".')
    creates = [name for name in cls.streams() if cls.can_write(name, "create")]
    if creates and quality.said("idempotent_write_tested")[0] == "exempt":
        text = f"it is exempt, but {', '.join(creates)} can be created."
        yield problem("idempotent_write_tested", text, "Test that an uncertain write is not made twice.")
    if quality.said("real_server_tests")[0] == "done" and not {"real server", "vendor contract"} & quality.tried.keys():
        text = "it is done, but `tried_against` names neither a real server nor a contract of the vendor."
        yield problem("real_server_tests", text, "Name what it was tried against, or write `todo`.")


def _mapping_folders(folder: Path, given: tuple[Path, ...]) -> list[Path]:
    own = (one / "mappings" for one in (folder, *folder.parents[:2]))
    return [one for one in dict.fromkeys((*own, *given)) if one.is_dir()]


def _of_mappings(quality: Quality, cls: type[Connector], folders: list[Path]) -> Iterator[Problem]:
    """Each stream has a mapping, which is of its kind, its examples hold, and no mapping is left without a stream."""
    streams = cls.streams()
    for left in (file for folder in folders if streams for file in sorted((folder / cls.system).glob("*.yaml"))):
        if left.stem not in streams:
            text = f"The connector {cls.system} has no stream {left.stem!r}."
            yield Problem(text, did_you_mean(left.stem, streams, "Streams"), str(left), 1)
    for stream in streams:
        files = [folder / cls.system / f"{stream}.yaml" for folder in folders]
        file = next((one for one in files if one.exists()), None)
        if file is None:
            text = f"mapping_examples_both_ways: {stream} has no mapping."
            remedy = f"`landbridge map {cls.system} {stream} {streams[stream].kind}` drafts one."
            yield Problem(text, remedy, str(quality.file), quality.line("rules", "mapping_examples_both_ways"))
            continue
        try:
            mapping = load_mapping(file)
        except MappingError as error:
            yield _of(error)
            continue
        if mapping.kind != (kind := streams[stream].kind):
            text = f"The connector's {stream} holds {kind}s, the mapping says {mapping.kind}."
            yield Problem(text, f"Write `kind: {kind}`.", str(file), 1)
        for text in mapping.run_examples():
            place, _, said = text.partition(": ")
            _, _, number = place.rpartition(":")
            yield Problem(said, "", str(file), int(number) if number.isdigit() else None)


def _of_recordings(cls: type[Connector], root: Path | None) -> Iterator[Problem]:
    for file, line, what in leaks(cls, root) if root else ():
        remedy = "Revoke it, and record anew with `landbridge try --record`, which leaves it out."
        yield Problem(f"The recording holds {what}.", remedy, str(file), line)


def _of_readme(quality: Quality, cls: type[Connector], readme: Path) -> Iterator[Problem]:
    if not readme.exists():
        yield Problem("The connector has no README.", "Say how it is connected, and what it may do.", str(readme))
        return
    if quality.said("permissions_table")[0] != "done":
        return
    text = readme.read_text(encoding="utf-8")
    found = _PERMISSIONS.search(text)
    if found is None or found["table"].count("\n") < 3:
        what = "The README has no table of permissions under a heading of that name."
        yield Problem(what, "A row for each thing that it does, with the least that it takes.", str(readme), 1)
        return
    line = text.count("\n", 0, found.start("table")) + 1
    for need in _needs(cls):
        # Where rights are of a thing, as `sale.line: read`, the table has a row for the thing.
        if need.partition(": ")[0] not in found["table"]:
            what = f"The table of permissions does not name {need}, which check() asks for."
            yield Problem(what, "Add a row that says what it is needed for.", str(readme), line)


def _needs(cls: type[Connector]) -> list[str]:
    """Every permission that the connector's module lists, by stream or for all; `check` names those that are missing."""
    beside = vars(sys.modules[cls.__module__])
    listed = next((beside[name] for name in ("NEEDS", "SCOPES") if name in beside), ())
    lists = listed.values() if isinstance(listed, Mapping) else [listed]
    return list(dict.fromkeys(need for one in lists if isinstance(one, tuple) for need in one if isinstance(need, str)))
