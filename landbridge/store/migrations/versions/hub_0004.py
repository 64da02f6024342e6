"""What a full read has met is no table any more; large JSON is compressed by lz4 where PostgreSQL has it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_LARGE = (("record", "claim"), ("record", "base"), ("record", "sent"), ("entity", "data"), ("delivery", "desired"))
_HAS_LZ4 = "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"


def upgrade() -> None:
    op.drop_table("seen")
    _compress("lz4")


def downgrade() -> None:
    op.create_table(
        "seen",
        sa.Column("run", sa.String(36), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run", "key"),
    )
    _compress("default")


def _compress(how: str) -> None:
    """What is stored already stays as it is until it is written again."""
    conn = op.get_bind()
    if conn.dialect.name == "postgresql" and conn.scalar(sa.text(_HAS_LZ4)):
        for table, column in _LARGE:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION {how}")
