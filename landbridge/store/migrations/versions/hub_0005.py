"""What a system's refusals teach about a limit that nobody knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("quota", sa.Column("learned", sa.Float()))
    for name, kind in (("learned_at", sa.Float()), ("busy_since", sa.Float()), ("used_before", sa.BigInteger())):
        op.add_column("quota", sa.Column(name, kind, server_default="0", nullable=False))


def downgrade() -> None:
    for name in ("used_before", "busy_since", "learned_at", "learned"):
        op.drop_column("quota", name)
