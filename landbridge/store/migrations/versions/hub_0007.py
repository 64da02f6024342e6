"""What every record and entity has is kept as the JSON that it came as, and only derived entities are found by rule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_AS_IT_CAME = {"record": ("claim", "base", "sent"), "entity": ("data", "origin")}
_DERIVED = sa.text("rule IS NOT NULL")


def upgrade() -> None:
    _change_type("json")
    with op.batch_alter_table("entity") as table:
        table.drop_constraint("entity_rule", type_="unique")
    op.create_index(
        "entity_rule", "entity", ["rule"], unique=True, sqlite_where=_DERIVED, postgresql_where=_DERIVED
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("entity_rule", "entity")
    with op.batch_alter_table("entity") as table:
        table.create_unique_constraint("entity_rule", ["rule"])
    _change_type("jsonb")


def _change_type(name: str) -> None:
    """SQLite knows only one type of JSON."""
    if op.get_context().dialect.name != "postgresql":
        return
    for table, columns in _AS_IT_CAME.items():
        changes = ", ".join(f"ALTER COLUMN {one} TYPE {name} USING {one}::{name}" for one in columns)
        op.execute(f"ALTER TABLE {table} {changes}")
