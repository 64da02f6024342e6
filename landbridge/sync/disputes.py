"""What was changed differently in several systems is asked, and what no longer is disputed is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from landbridge.store import entities
from landbridge.store.decisions import Question
from landbridge.store.held_entities import HeldEntity
from landbridge.store.questions import Questions
from landbridge.sync.combine import NARROWER, Said
from landbridge.sync.company import Company


def dispute(
    questions: Questions, company: Company, entity: HeldEntity, conflicts: Mapping[str, dict[str, Any]],
    said: Sequence[Said], changed: Collection[str],
) -> int:  # fmt: skip
    """How many fields a person is asked about; about what is open already only where it still is disputed."""
    disputed = {path: values for path, values in conflicts.items() if company.decides(entity.kind, path)}
    for path in dict.fromkeys((*changed, *(NARROWER.keys() & entity.data.keys()))) if len(said) > 1 else ():
        if questions.is_open("conflict", f"{entity.id}:{path}"):
            values = {one.source.stream: one.claim[path] for one in said if path in one.claim}
            differ = len({entities.data_hash(value) for value in values.values()}) > 1
            if not differ or not company.decides(entity.kind, path):
                questions.close("conflict", f"{entity.id}:{path}")
            elif path in changed:
                disputed[path] = values
    for path, values in disputed.items():
        text = f"{path} has different values in {' and '.join(values)}. Which one holds?"
        details = {"field": path, "values": values, "fingerprint": entities.data_hash(values)}
        questions.ask(Question("conflict", f"{entity.id}:{path}", text, list(values), details, entity=entity.id))
    return len(disputed)
