"""What an operator can do on the pages; each action stands in the audit."""

from __future__ import annotations

from landbridge.errors import ConfigError
from landbridge.store import again, decisions, deliveries
from landbridge.sync import unlink
from landbridge_airflow.web.hub import bridge, writing

ACTIONS = ("retry", "drop")


def decide(id: int, answer: str, by: str, about: str | None = None) -> None:
    """Raises ConfigError on a second answer, and where `about` stands for other facts than those of now."""
    with writing() as conn:
        decisions.decide(conn, id, answer, by, about or None)


def undo_link(entity: str, record: int, by: str) -> None:
    """Raises ConfigError where the record is not linked to the entity, or nothing would be left without it."""
    unlink(bridge(), record, by, of=entity)


def of_record(action: str, system: str, stream: str, key: str, by: str) -> None:
    """A record that could not be read: try it with the next read, or forget it."""
    _known(action)
    with writing() as conn:
        (again.retry_record if action == "retry" else again.drop_record)(conn, system, stream, key, by)


def of_delivery(action: str, id: int, by: str) -> None:
    """A write that did not succeed: try it with the flow's next run, or never again until its entity changes."""
    _known(action)
    with writing() as conn:
        found = deliveries.by_id(conn, id)
        if found is None:
            raise ConfigError(f"Delivery {id} is no longer set aside.", remedy="Load the page again.")
        (again.retry_deliveries if action == "retry" else again.drop_deliveries)(conn, [found], by)


def _known(action: str) -> None:
    if action not in ACTIONS:
        raise ConfigError(f"There is no action {action!r}.", remedy=f"Choose from {', '.join(ACTIONS)}.")
