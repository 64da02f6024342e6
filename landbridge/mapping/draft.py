"""Drafts a mapping from native records: what their names and values tell; whatever it says holds for these records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, get_args

from landbridge.errors import MappingError, RecordError
from landbridge.mapping.canonical import canonical_paths
from landbridge.mapping.drafted import Draft, Line, Source, head, text_of
from landbridge.mapping.examples import differences
from landbridge.mapping.load import parse_mapping
from landbridge.mapping.shapes import Leaf, Step, leaves
from landbridge.mapping.synonyms import LEADS_TO, ONLY_IN, OPPOSITES, SYNONYMS, WORDS
from landbridge.model import KINDS, ref_fields, validate
from landbridge.richtext import MARKUPS

_TIMES = {"datetime": "datetime", "date": "datetime", "naive": 'datetime("naive")', "unix_s": 'datetime("unix_s")',
          "unix_ms": 'datetime("unix_ms")', "unix_text": 'datetime("unix_text")'}  # fmt: skip


def draft(source: Source, origin: str = "") -> Draft:
    """Raises MappingError for an unknown kind, or where nothing at all is recognised. `origin` is named in the file."""
    if source.kind not in KINDS:
        raise MappingError(f"There is no kind {source.kind!r}.", remedy=f"Kinds: {', '.join(KINDS)}.")
    found = leaves(source.natives)
    lines: list[Line] = []
    used: set[tuple[Step, ...]] = set()
    for path in SYNONYMS[source.kind]:
        for line in _candidates(source, path, [leaf for leaf in found if leaf.steps not in used]):
            if held := _held(source, line):
                lines.append(held)
                used.add(held.steps)
                break
    if not lines:
        raise MappingError(
            f"Nothing in these records looks like a field of a {source.kind}.",
            remedy=f"Write the mapping by hand. Native: {', '.join(leaf.path for leaf in found)}.",
        )
    keys = {tuple(part.split(".")) for part in source.key}
    left = tuple(leaf for leaf in found if not any(_inside(leaf.steps, steps) for steps in {*used, *keys}))
    taken = {line.path for line in lines}
    empty = tuple(
        path for path in canonical_paths(source.kind) if path not in taken and path not in ("labels", "audience")
    )
    return Draft(text_of(source, lines, left, empty, origin), tuple(lines), left, empty)


def _inside(one: tuple[Step, ...], other: tuple[Step, ...]) -> bool:
    """One of the two paths leads through the other."""
    short = min(len(one), len(other))
    return one[:short] == other[:short]


def _held(source: Source, line: Line) -> Line | None:
    """The line as far as it holds for all records: both ways, only inwards, or not at all."""
    preferred = "in" if line.path in ONLY_IN else "both"
    for direction in dict.fromkeys((preferred, "in")):
        tried = Line(line.path, line.expression, line.steps, direction)
        try:
            mapping = parse_mapping(f"{head(source)}fields:\n  {tried.text}\n")
            for native in source.natives:
                claim = mapping.into(native).claim
                validate(source.kind, claim)
                if direction == "both" and differences(native, mapping.out(claim).native, part=True):
                    raise RecordError("What is written differs from what was read.")
            return tried
        except (MappingError, RecordError):
            continue
    return None


# Which native path


def _candidates(source: Source, path: str, found: list[Leaf]) -> Iterator[Line]:
    """Lines that may fit, the likeliest first."""
    wanted = SYNONYMS[source.kind][path]
    ranked = sorted(
        (rank, len(leaf.steps), at)
        for at, leaf in enumerate(found)
        if (rank := _rank(source, path, leaf, wanted)) is not None
    )
    for _, _, at in ranked:
        for expression in _expressions(source, path, found[at]):
            yield Line(path, expression, found[at].steps)
    for leaf in found:
        if names(leaf) & set(OPPOSITES.get(path, ())) and leaf.shape in ("bool", "nothing"):
            yield Line(path, f"{leaf.path} | not", leaf.steps)


def _rank(source: Source, path: str, leaf: Leaf, wanted: tuple[str, ...]) -> int | None:
    """How well the name fits: the place among the usual names; a value's shape, or a stream's name, counts as last."""
    called = names(leaf)
    if places := [at for at, name in enumerate(wanted) if name in called]:
        return min(places)
    if path == "emails" and leaf.shape == "email":
        return len(wanted)
    if path in ref_fields(source.kind):
        leads = LEADS_TO.get(path, ())
        if any(
            stream in _streams(source, path, leaf) and source.streams[stream] in leads for stream in _plurals(called)
        ):
            return len(wanted)
    return None


def names(leaf: Leaf) -> set[str]:
    """What a path may be called: its last name, without a final id, or what holds an id."""
    words = [_normal(step) for step in leaf.steps if isinstance(step, str)]
    last = words[-1] if words else ""
    held = {words[-2]} if len(words) > 1 and last in ("id", "key", "uuid", "value", "raw") else set()
    bare = {last.removesuffix("id")} if last.endswith("id") and len(last) > 2 else set()
    return ({last} if last != "id" else set()) | held | bare


def _normal(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _plurals(called: set[str]) -> set[str]:
    return {form for name in called for form in (name, f"{name}s", f"{name.removesuffix('y')}ies")}


# Which expression


def _expressions(source: Source, path: str, leaf: Leaf) -> Iterator[str]:
    """How this path may be read into this field, the simplest first."""
    native, shape = leaf.path, leaf.shape
    if path in ref_fields(source.kind):
        if leaf.values and all(_is_called(said) for said in leaf.values):
            return
        number = ", number=true" if shape in ("number", "unix_s") else ""
        number += ", none=0" if number and 0 in leaf.values else ""
        yield from (f'{native} | ref("{stream}"{number})' for stream in _streams(source, path, leaf))
        return
    words = canonical_paths(source.kind)[path].words
    match _type_of(source.kind, path):
        case "emails" | "phones" as many:
            one = many.removesuffix("s")
            parts = {
                "nothing": f"{native} | as_{one}",
                "email": f"{native} | as_email",
                "text": f"{native} | as_{one}",
                "texts": f"{native} | {many}",
                "objects": _objects(native, many, leaf) if shape == "objects" else "",
            }
            yield from (said for said in (parts.get(shape),) if said)
        case "bool":
            yield native if shape == "bool" else f"{native} | bool"
        case "time":
            yield from (f"{native} | {_TIMES[shape]}" for _ in (1,) if shape in _TIMES)
        case "day":
            yield from (f"{native} | date" for _ in (1,) if shape in ("date", "datetime", "naive", "nothing"))
        case "texts":
            yield {"texts": native, "text": f'{native} | split(",")'}.get(shape, f"{native} | list")
        case "text" if path == "body":
            yield f'{native} | richtext("{_markup(source.system, shape)}")'
        case "text" if words:
            yield native
            yield f"{native} | {_enum(leaf, words)}"
        case "text" if shape in ("number", "unix_s", "unix_ms"):
            yield f"{native} | text(number=true)"
        case "text":
            yield native


def _is_called(said: Any) -> bool:
    """A name and no key: who reads `Anna Müller` has no account to look up."""
    return isinstance(said, str) and said[:1].isupper() and said.replace(" ", "").isalpha() and not said.isupper()


def _objects(native: str, many: str, leaf: Leaf) -> str:
    """Of a list of objects the keys that hold the value, its type, and whether it is the first."""
    keys = {key: one[key] for said in leaf.values for one in said for key in one}
    value = next((key for key in keys if _normal(key) in ("value", "email", "address", "number", "phone", "mail")), "")
    named = [f'{ours}="{key}"' for ours in ("type", "primary") for key in keys if _normal(key) == ours]
    arguments = ", ".join([f'value="{value}"', *(one for one in named if many == "emails" or "type" in one)])
    return f"{native} | {many}({arguments})" if value else ""


def _streams(source: Source, path: str, leaf: Leaf) -> list[str]:
    """Where a reference may lead: to a stream of its own name first, else to the one of its kind."""
    leads = LEADS_TO.get(path, ())
    fitting = [stream for stream, kind in source.streams.items() if kind in leads]
    called = _plurals(names(leaf))
    named = [stream for stream in fitting if stream in called]
    return named or (fitting if len(fitting) == 1 else [one for one in fitting if one == source.stream][:1])


def _enum(leaf: Leaf, words: frozenset[str]) -> str:
    seen = dict.fromkeys(str(said) for said in leaf.values)
    pairs = [(said, said if said in words else WORDS.get(said.lower(), "")) for said in seen]
    known = ", ".join(f'{_word(said)}="{word}"' for said, word in pairs if word in words)
    return f"enum({known})"


def _word(said: str) -> str:
    return said if said.isidentifier() else f'"{said}"'


def _markup(system: str, shape: str) -> str:
    own = sorted(name for name in MARKUPS if name.startswith(system))
    html = sorted(name for name in MARKUPS if name.endswith("html"))
    return own[0] if own else html[-1] if shape == "html" and html else "plain"


def _type_of(kind: str, path: str) -> str:
    """bool, time, day, texts, emails, phones, text; empty for what a draft does not try."""
    if path in ("emails", "phones"):
        return path
    name, _, part = path.partition(".")
    annotation: Any = KINDS[kind].model_fields[name].annotation
    if part:
        annotation = (
            next(one for one in get_args(annotation) if hasattr(one, "model_fields")).model_fields[part].annotation
        )
    held = {annotation, *get_args(annotation)}
    types = {bool: "bool", datetime: "time", date: "day", list[str]: "texts", str: "text"}
    words = canonical_paths(kind)[path].words
    return next((said for one, said in types.items() if one in held), "text" if words else "")
