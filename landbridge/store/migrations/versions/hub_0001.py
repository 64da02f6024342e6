"""The first tables. A migration repeats their definition on purpose: it must not change when tables.py does."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_records_and_entities()
    _create_relations()
    _create_deliveries()
    _create_reading()
    _create_control()


def _create_records_and_entities() -> None:
    op.create_table(
        "record",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("system", sa.String(64), nullable=False),
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("entity", sa.String(36)),
        sa.Column("role", sa.String(32), server_default="source", nullable=False),
        sa.Column("claim", _JSON),
        sa.Column("base", _JSON),
        sa.Column("sent", _JSON),
        sa.Column("fingerprint", sa.LargeBinary(16)),
        sa.Column("marker", sa.String(64)),
        sa.Column("gone_at", sa.String(32)),
        sa.Column("pending", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("changed_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("system", "stream", "key", name="record_key"),
    )
    op.create_index("record_entity", "record", ["entity"])
    op.create_index(
        "record_pending",
        "record",
        ["system", "stream", "id"],
        sqlite_where=sa.text("pending"),
        postgresql_where=sa.text("pending"),
    )
    op.create_table(
        "entity",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("data", _JSON, nullable=False),
        sa.Column("origin", _JSON, nullable=False),
        sa.Column("audience", _JSON),
        sa.Column("rule", sa.Text()),
        sa.Column("hash", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.String(32)),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("rule", name="entity_rule"),
    )
    op.create_index("entity_kind", "entity", ["kind", "id"])
    op.create_table(
        "change",
        sa.Column("seq", _ID, autoincrement=True, nullable=False),
        sa.Column("entity", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("op", sa.String(16), nullable=False),
        sa.Column("fields", _JSON, nullable=False),
        sa.Column("run", sa.String(36)),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("change_entity", "change", ["entity", "seq"])


def _create_relations() -> None:
    op.create_table(
        "reference",
        sa.Column("source", sa.String(36), nullable=False),
        sa.Column("field", sa.String(64), nullable=False),
        sa.Column("target", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("source", "field", "target"),
    )
    op.create_index("reference_target", "reference", ["target", "field"])
    op.create_table(
        "unresolved",
        sa.Column("record", _ID, nullable=False),
        sa.Column("system", sa.String(64), nullable=False),
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record", "system", "stream", "key"),
    )
    op.create_index("unresolved_key", "unresolved", ["system", "stream", "key"])
    op.create_table(
        "identifier",
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("field", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("record", _ID, nullable=False),
        sa.PrimaryKeyConstraint("value", "field", "kind", "record"),
    )
    op.create_index("identifier_record", "identifier", ["record"])


def _create_deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("flow", sa.String(64), nullable=False),
        sa.Column("target", sa.String(130), nullable=False),
        sa.Column("entity", sa.String(36), nullable=False),
        sa.Column("shape", sa.String(32), server_default="", nullable=False),
        sa.Column("partition", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.String(64), server_default="", nullable=False),
        sa.Column("op", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("desired", _JSON),
        sa.Column("fields", _JSON),
        sa.Column("marker", sa.String(64)),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.String(32)),
        sa.Column("reason", sa.Text()),
        sa.Column("lossy", _JSON),
        sa.Column("run", sa.String(36)),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("target", "entity", "shape", name="delivery_key"),
    )
    op.create_index("delivery_entity", "delivery", ["entity"])
    op.create_index("delivery_flow", "delivery", ["state", "flow", "id"])
    op.create_index("delivery_marker", "delivery", ["marker"])
    op.create_index("delivery_state", "delivery", ["target", "state", "next_at"])
    op.create_table(
        "agenda",
        sa.Column("entity", sa.String(36), nullable=False),
        sa.Column("flow", sa.String(64), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("entity", "flow"),
    )
    op.create_index("agenda_order", "agenda", ["flow", "at", "entity"])


def _create_reading() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("system", sa.String(64), nullable=False),
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("partition", sa.String(200), server_default="", nullable=False),
        sa.Column("cursor", _JSON),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("full_at", sa.String(32)),
        sa.Column("read_at", sa.String(32)),
        sa.Column("mapping", sa.String(64)),
        sa.PrimaryKeyConstraint("system", "stream", "partition"),
    )
    op.create_table(
        "seen",
        sa.Column("run", sa.String(36), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run", "key"),
    )
    op.create_table(
        "set_aside",
        sa.Column("system", sa.String(64), nullable=False),
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("native", _JSON),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.String(32), nullable=False),
        sa.Column("first_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("system", "stream", "key"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(130), nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("counts", _JSON, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("process", sa.String(200)),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("run_subject", "run", ["subject", "started_at"])


def _create_control() -> None:
    op.create_table(
        "decision",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("flow", sa.String(64)),
        sa.Column("target", sa.String(130)),
        sa.Column("entity", sa.String(36)),
        sa.Column("record", _ID),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("options", _JSON, nullable=False),
        sa.Column("details", _JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("answer", sa.Text()),
        sa.Column("decided_by", sa.String(200)),
        sa.Column("decided_at", sa.String(32)),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "subject", name="decision_subject"),
    )
    op.create_index("decision_entity", "decision", ["entity"])
    op.create_index("decision_state", "decision", ["state", "id"])
    op.create_table(
        "audit",
        sa.Column("seq", _ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("details", _JSON, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("previous", name="audit_chain"),
    )
    op.create_index("audit_subject", "audit", ["subject", "seq"])
    op.create_table(
        "quota",
        sa.Column("system", sa.String(64), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("burst", sa.Float(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("blocked_until", sa.Float(), server_default="0", nullable=False),
        sa.Column("used", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("system"),
    )
