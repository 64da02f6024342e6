"""Who may write a partition, what brakes count, what a delivery waits for, and the beat of runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXES = (
    ("delivery_open", ["target", "partition", "position", "id"], "state IN ('planned', 'uncertain')"),
    ("delivery_due", ["flow", "next_at", "id"], "state IN ('set_aside', 'scheduled')"),
    ("delivery_awaits", ["awaits"], "awaits IS NOT NULL"),
)


def upgrade() -> None:
    op.add_column("delivery", sa.Column("cause", sa.String(36)))
    op.add_column("delivery", sa.Column("cleared", sa.String(8)))
    op.add_column("delivery", sa.Column("awaits", sa.String(36)))
    op.add_column("delivery", sa.Column("again", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    for name, columns, where in _INDEXES:
        op.create_index(name, "delivery", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.add_column("run", sa.Column("beat", sa.Float()))
    op.create_table(
        "lease",
        sa.Column("target", sa.String(130), nullable=False),
        sa.Column("partition", sa.Text(), nullable=False),
        sa.Column("run", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("target", "partition"),
    )
    op.create_table(
        "removal",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("target", sa.String(130), nullable=False),
        sa.Column("cause", sa.String(36), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("removal_target", "removal", ["target", "at"])
