"""Files that a target did not take, so that its records are shown without them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "left_file",
        sa.Column("entity", sa.String(36), primary_key=True),
        sa.Column("target", sa.String(130), primary_key=True),
        sa.Column("file", sa.String(32), primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("left_file")
