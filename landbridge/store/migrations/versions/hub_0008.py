"""What waits in its place of an order is found by its partition."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_HOLDING = sa.text("state = 'waiting' AND op = 'create' AND partition <> ''")


def upgrade() -> None:
    op.create_index(
        "delivery_holding", "delivery", ["target", "partition", "position", "id"],
        sqlite_where=_HOLDING, postgresql_where=_HOLDING,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("delivery_holding", "delivery")
