"""A record whose claim is the last common state says so, instead of keeping the same claim twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("record", sa.Column("merged", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute("UPDATE record SET merged = true, base = NULL WHERE base IS NOT NULL AND base = claim")


def downgrade() -> None:
    op.execute("UPDATE record SET base = claim WHERE merged")
    op.drop_column("record", "merged")
