"""What a change has to fan out to, in parts that are told in order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "fanout",
        sa.Column("entity", sa.String(36), nullable=False),
        sa.Column("after", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("entity"),
    )
    op.drop_index("reference_target", "reference")
    op.create_index("reference_target", "reference", ["target", "field", "source"])


def downgrade() -> None:
    op.drop_index("reference_target", "reference")
    op.create_index("reference_target", "reference", ["target", "field"])
    op.drop_table("fanout")
