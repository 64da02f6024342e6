"""Problems of a configuration file: all of a file at once, one line each."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from landbridge.errors import ConfigError, did_you_mean
from landbridge.mapping.yamlfile import YamlFile

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Problem:
    """One mistake, where it is, and what to do about it."""

    line: int | None
    text: str
    remedy: str = ""


def as_error(file: str, problems: Sequence[Problem], error: type[ConfigError] = ConfigError) -> ConfigError:
    """One error that lists them in the order of their lines; its own line is the first one's."""
    first, *others = sorted(problems, key=lambda problem: problem.line or 0)
    if not others:
        return error(first.text, file=file, line=first.line, remedy=first.remedy)
    rest = "".join(f"\n{error(other.text, file=file, line=other.line, remedy=other.remedy)}" for other in others)
    return error(
        f"{first.text}{' ' * bool(first.remedy)}{first.remedy}{rest}",
        file=file,
        line=first.line,
    )


def validated(yaml: YamlFile, model: type[Model], error: type[ConfigError] = ConfigError) -> Model:
    """The file's data as the model. Raises `error`: file, line of the offending key, what was expected, remedy."""
    try:
        return model.model_validate(yaml.data)
    except ValidationError as found:
        raise as_error(yaml.file, shape_problems(yaml, model, found), error) from None


def shape_problems(yaml: YamlFile, model: type[BaseModel], error: ValidationError) -> list[Problem]:
    """What pydantic found, as problems; never an input value."""
    found: dict[tuple[int, str], Problem] = {}
    for entry in error.errors(include_input=False, include_url=False):
        loc = entry["loc"]
        line = yaml.line(*loc)
        where = ".".join(str(key) for key in _keys(yaml, loc))
        if entry["type"] == "missing":
            above = _dotted(_keys(yaml, loc[:-1]))
            problem = Problem(line, f"{above}the key {loc[-1]!r} is missing.", f"Add `{loc[-1]}: …`.")
        elif entry["type"] == "extra_forbidden":
            known = _known_keys(model, loc[:-1])
            text = f"{_dotted(_keys(yaml, loc[:-1]))}unknown key {loc[-1]!r}."
            problem = Problem(line, text, _unknown_remedy(str(loc[-1]), known))
        else:
            # A validator of our own may have put its remedy behind the first sentence.
            expected, _, remedy = _expected(entry["msg"]).partition(". ")
            problem = Problem(line, f"{where}: {expected}." if where else f"{expected}.", remedy)
        found.setdefault((line, problem.text), problem)
    return list(found.values())


def _keys(yaml: YamlFile, loc: Sequence[Hashable]) -> list[Hashable]:
    """The parts of a location that are keys of the file; pydantic also puts names of union members there."""
    keys: list[Hashable] = []
    for part in loc:
        if (*keys, part) in yaml.lines:
            keys.append(part)
    return keys


def _dotted(keys: list[Hashable]) -> str:
    return f"{'.'.join(str(key) for key in keys)}: " if keys else ""


def _expected(message: str) -> str:
    text = re.sub(r"^(Value|Assertion) error, ", "", message).rstrip(".")
    return re.sub(r"^Input should be ", "expected ", text)


def _unknown_remedy(key: str, known: set[str]) -> str:
    # Inside {…} YAML cuts an expression at its commas: what is left over looks like a key.
    if re.search(r"""["'()=]""", key):
        return "Quote the expression: inside {…} a comma ends it."
    return did_you_mean(key, known, "Known keys")


def _known_keys(model: type[BaseModel], loc: Sequence[Hashable]) -> set[str]:
    models = [model]
    for part in loc:
        inner = [m.model_fields[str(part)].annotation for m in models if str(part) in m.model_fields]
        # A key of a dict, an index or the name of a union member leads no further down.
        models = [found for annotation in inner for found in _models_in(annotation)] or models
    return {field.alias or name for found in models for name, field in found.model_fields.items()}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for arg in get_args(annotation) for found in _models_in(arg)]
