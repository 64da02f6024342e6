"""Reading mapping files: everything wrong with a file is reported at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import xxhash

from landbridge.errors import ConfigError, MappingError, did_you_mean
from landbridge.mapping.build import accepts_code, into_code, out_code
from landbridge.mapping.canonical import canonical_paths
from landbridge.mapping.examples import Example
from landbridge.mapping.fields import FieldError, Parsed, parse_condition, parse_field
from landbridge.mapping.files import MappingForm
from landbridge.mapping.generate import Pairs, targets
from landbridge.mapping.mapping import Mapping
from landbridge.mapping.problems import Problem, as_error, validated
from landbridge.mapping.tree import Literal, Node
from landbridge.mapping.yamlfile import YamlFile, load_yaml, parse_yaml
from landbridge.model import KINDS, flatten


def load_mappings(*folders: Path) -> dict[tuple[str, str], Mapping]:
    """All mappings of the folders by (system, stream); a later folder replaces what an earlier one says of a stream.

    Raises MappingError with the problems of all files.
    """
    found: dict[tuple[str, str], Mapping] = {}
    errors: list[MappingError] = []
    for folder in folders:
        if not folder.is_dir():
            raise MappingError(
                "is no folder.",
                file=str(folder),
                remedy="Mappings are in <folder>/<system>/<stream>.yaml.",
            )
        for path in sorted(folder.glob("*/*.yaml")):
            try:
                mapping = load_mapping(path)
                _check_place(path, mapping)
                found[mapping.system, mapping.stream] = mapping
            except MappingError as error:
                errors.append(error)
    if errors:
        raise _joined(errors)
    return found


def load_mapping(path: Path) -> Mapping:
    """One file, compiled. Raises MappingError: file, line, field, what was expected, remedy; all problems at once."""
    text = path.read_bytes() if path.is_file() else b""
    return _compiled(load_yaml(path, MappingError), text)


def parse_mapping(text: str, file: str = "mapping.yaml") -> Mapping:
    """The same for text, as a form or an editor has it."""
    return _compiled(parse_yaml(text, file, MappingError), text.encode())


def _compiled(yaml: YamlFile, text: bytes) -> Mapping:
    form = validated(yaml, MappingForm, MappingError)
    if wrong := _kind_problem(form, yaml):
        raise as_error(yaml.file, [wrong], MappingError)
    problems: list[Problem] = []
    parsed = _fields(form, yaml, problems)
    only: tuple[Node, Pairs] = (Literal(True), {})
    if form.only is not None:
        try:
            only = parse_condition(form.only)
        except FieldError as problem:
            problems.append(Problem(yaml.line("only"), f"only: {problem.text}.", problem.remedy))
    problems += _match_problems(form, yaml, parsed) + _double_problems(parsed)
    if problems:
        raise as_error(yaml.file, problems, MappingError)
    return _mapping(form, yaml, parsed, only, text)


def _kind_problem(form: MappingForm, yaml: YamlFile) -> Problem | None:
    """Where most fields are those of another kind, one line is wrong and not each of them; one field alone tells nothing."""
    fits = {kind: len(form.fields.keys() & canonical_paths(kind).keys()) for kind in KINDS}
    best = max(fits, key=lambda kind: fits[kind])
    half = max(len(form.fields) / 2, 1)
    if fits[form.kind] >= half or fits[best] <= half:
        return None
    text = f"kind: {fits[best]} of the {len(form.fields)} fields are those of a {best}, {fits[form.kind]} of a {form.kind}."
    return Problem(yaml.line("kind"), text, f"Write `kind: {best}`, or correct the fields.")


def _fields(form: MappingForm, yaml: YamlFile, problems: list[Problem]) -> list[Parsed]:
    parsed: list[Parsed] = []
    for path, field in form.fields.items():
        line = yaml.line("fields", path)
        try:
            parsed.append(parse_field(form.kind, path, field, line))
        except FieldError as problem:
            problems.append(Problem(line, f"{path}: {problem.text}.", problem.remedy))
    return parsed


def _match_problems(form: MappingForm, yaml: YamlFile, parsed: list[Parsed]) -> list[Problem]:
    readable = {one.field.path for one in parsed if one.reads}
    # A field whose own line is wrong is reported there.
    known = readable | (form.fields.keys() - {one.field.path for one in parsed})
    return [
        Problem(
            yaml.line("match", index),
            f"match: {path} is not read by this mapping.",
            did_you_mean(path, readable),
        )
        for index, path in enumerate(form.match)
        if path not in known
    ]


def _double_problems(parsed: list[Parsed]) -> list[Problem]:
    """Two fields must not write one place: the last would win, without anybody seeing it."""
    problems: list[Problem] = []
    seen: list[tuple[tuple[str | int, ...], str]] = []
    for one in parsed:
        for path in targets(one.node, one.pairs) if one.writes else []:
            for steps, other in seen:
                shorter = min(len(steps), len(path.steps))
                if steps[:shorter] == path.steps[:shorter]:
                    text = f"{one.field.path}: {path.text} is already written by {other}."
                    problems.append(
                        Problem(
                            one.field.line,
                            text,
                            "Add `direction: in` to one of the two.",
                        )
                    )
                    break
            seen.append((path.steps, one.field.path))
    return problems


def _mapping(
    form: MappingForm,
    yaml: YamlFile,
    parsed: list[Parsed],
    only: tuple[Node, Pairs],
    text: bytes,
) -> Mapping:
    name = f"{form.system}/{form.stream}"
    codes = {
        "accepts": accepts_code(*only),
        "into": into_code(name, yaml.file, parsed),
        "out": out_code(name, yaml.file, parsed),
    }
    functions: dict[str, Callable[..., Any]] = {
        function: code.compiled(function, f"<{function} of {name}>") for function, code in codes.items()
    }
    return Mapping(
        system=form.system,
        stream=form.stream,
        kind=form.kind,
        file=yaml.file,
        version=xxhash.xxh3_64_hexdigest(text + _transforms_version()),
        match=form.match,
        fields={one.field.path: one.field for one in parsed},
        writable=frozenset(one.field.path for one in parsed if one.writes),
        into=functions["into"],
        create=form.create,
        examples=tuple(
            Example(
                one.name,
                one.native,
                flatten(one.canonical),
                one.into_only,
                one.out,
                yaml.line("examples", index),
            )
            for index, one in enumerate(form.examples)
        ),
        source="\n\n\n".join("\n".join(code.lines) for code in codes.values()) + "\n",
        _accepts=functions["accepts"],
        _out=functions["out"],
    )


@cache
def _transforms_version() -> bytes:
    """Of all code that a mapped value depends on: a changed transform must be applied to every record again."""
    here = Path(__file__).parent
    files = sorted([*here.glob("*.py"), *(here.parent / "richtext").glob("*.py")])
    return xxhash.xxh3_64_digest(b"".join(file.read_bytes() for file in files))


def _check_place(path: Path, mapping: Mapping) -> None:
    if (mapping.system, mapping.stream) != (path.parent.name, path.stem):
        raise MappingError(
            f"says it is {mapping.system}/{mapping.stream}.", file=str(path), line=1,
            remedy=f"Move it to {mapping.system}/{mapping.stream}.yaml, or change system and stream.",
        )  # fmt: skip


def _joined(errors: list[MappingError]) -> ConfigError:
    if len(errors) == 1:
        return errors[0]
    joined = MappingError("\n".join(str(error) for error in errors))
    joined.file, joined.line = errors[0].file, errors[0].line
    return joined
