"""What every record and entity has is kept as the JSON that it came as, and only derived entities are found by rule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_AS_IT_CAME = {"record": ("claim", "base", "sent"), "entity": ("data", "origin")}
_DERIVED = sa.text("rule IS NOT NULL")
_HAS_LZ4 = "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"


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
    """SQLite knows only one type of JSON; PostgreSQL forgets a column's compression with its type."""
    conn = op.get_bind()
    if conn.dialect.name != "postgresql":
        return
    lz4 = conn.scalar(sa.text(_HAS_LZ4))
    for table, columns in _AS_IT_CAME.items():
        changes = [f"ALTER COLUMN {one} TYPE {name} USING {one}::{name}" for one in columns]
        op.execute(f"ALTER TABLE {table} {', '.join(changes)}")
        for column in columns if lz4 else ():
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION lz4")
