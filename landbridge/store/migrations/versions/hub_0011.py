"""Who was told that a private space is read, and who has opted out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("system", sa.String(64), primary_key=True),
        sa.Column("space", sa.Text(), primary_key=True),
        sa.Column("saying", sa.String(32), primary_key=True),
        sa.Column("marker", sa.String(64), nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("tried_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "opt_out",
        sa.Column("person", sa.String(36), primary_key=True),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("opt_out")
    op.drop_table("notice")
