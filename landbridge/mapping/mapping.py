"""Mappings: one YAML file per stream, compiled once into plain functions."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from landbridge.errors import RecordError
from landbridge.mapping.examples import Example, differences
from landbridge.mapping.fields import Field
from landbridge.mapping.runtime import FAILURES, no_label, record_error
from landbridge.model import validate

Native = dict[str, Any]
Labels = Callable[[str, str], str | None]


class Into(NamedTuple):
    """A claim as flat paths, and what of the native it cannot say."""

    claim: dict[str, Any]
    lossy: tuple[str, ...] = ()


class Out(NamedTuple):
    """A native to write, and what of the claim it cannot say."""

    native: Native
    lossy: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mapping:
    """One stream of a system ⇄ one kind. `version` changes whenever the same record might map to something else."""

    system: str
    stream: str
    kind: str
    file: str
    version: str
    match: tuple[str, ...]
    fields: ReadOnly[str, Field]
    writable: frozenset[str]
    # The claim a native makes. Raises RecordError naming field and line, never a value. The generated function itself:
    # it runs on every record, and a method around it would cost a tenth of it.
    into: Callable[[ReadOnly[str, Any]], Into] = field(repr=False)
    create: Native = field(repr=False)
    examples: tuple[Example, ...] = field(repr=False)
    source: str = field(repr=False)
    _accepts: Callable[[ReadOnly[str, Any]], Any] = field(repr=False)
    _out: Callable[[ReadOnly[str, Any], Native, Labels], tuple[Native, tuple[str, ...]]] = field(repr=False)

    def accepts(self, native: ReadOnly[str, Any]) -> bool:
        """Does `only:` let this record in? Raises RecordError where it cannot tell."""
        try:
            return bool(self._accepts(native))
        except FAILURES as error:
            raise record_error(f"{self.system}/{self.stream} only ({self.file})", error) from None

    def out(self, claim: ReadOnly[str, Any], labels: Labels = no_label, create: bool = False) -> Out:
        """The native of these fields and no others; with `create` also what the mapping sets on create.

        `labels` says how a person or space is called, by kind and native key, for the text of mentions.
        """
        return Out(*self._out(claim, deepcopy(self.create) if create else {}, labels))

    def kept(self, claim: ReadOnly[str, Any]) -> dict[str, Any]:
        """What the system will say once this is written: the desired state to compare its own claim with."""
        said = self.into(self.out(claim).native).claim
        return {path: said[path] for path in said if path in claim}

    def run_examples(self) -> list[str]:
        """Problems of the examples, each run both ways, one line each; empty is good."""
        if not self.examples:
            return [f"{self.file}: no examples. Add one under `examples:` with native and canonical."]
        found: list[str] = []
        for example in self.examples:
            where = f'{self.file}:{example.line}: example "{example.name}"'
            try:
                found += [f"{where}: {problem}" for problem in self._run(example)]
            except RecordError as error:
                found.append(f"{where}: {error}")
        return found

    def _run(self, example: Example) -> list[str]:
        if not self.accepts(example.native):
            return ["`only` refuses the native record."]
        claim = self.into(example.native).claim
        problems = [f"into: {problem}" for problem in differences(example.claim, claim)]
        validate(self.kind, claim)
        if problems or example.into_only:
            return problems
        native = self.out(example.claim).native
        if example.out is not None:
            return [f"out: {problem}" for problem in differences(example.out, native)]
        advice = "Say what is written with `out:`, or `into_only: true`."
        return [f"out: {problem} {advice}" for problem in differences(example.native, native, part=True)]
