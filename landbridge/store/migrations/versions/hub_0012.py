"""What something else than the record itself says of it, such as that it came back, outlives every reading of the record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

# Nothing that is tried again has ended after one try, so these are what was set aside for good.
_FOR_GOOD = sa.text(
    "UPDATE set_aside SET stands = 'failed' WHERE attempts = 1 AND native IS NULL AND next_at = '9999-12-31T00:00:00.000000Z'"
)


def upgrade() -> None:
    op.add_column("set_aside", sa.Column("stands", sa.String(16)))
    op.execute(_FOR_GOOD)


def downgrade() -> None:
    op.drop_column("set_aside", "stands")
