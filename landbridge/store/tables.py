"""The hub's tables. Ids of entities are UUIDv7 text; times are UTC text, so both databases compare them alike."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

# Keys begin with the column that sets are looked up by: PostgreSQL, while it has no statistics, may use no more than
# the leading equalities of a key and read everything behind them.
metadata = MetaData()

_Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
# Kept as the text that it came as: what every record has is written and read several times cheaper than JSONB.
_JsonText = JSON(none_as_null=True)
_Id = BigInteger().with_variant(Integer, "sqlite")
# Deliveries that may be written now, and those that have a time. SQLite uses a partial index only where the query
# repeats its condition word for word.
OPEN = "state IN ('planned', 'uncertain')"
DUE = "state IN ('set_aside', 'scheduled')"
# What waits, but knows its place in an order: nothing behind it may be written before it.
HOLDING = "state = 'waiting' AND op = 'create' AND partition <> ''"


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


# What a system says: its claim, in canonical form. The claim at the last merge or write is the last common state: the
# claim itself where `merged`, else `base`. `sent` is what we last wanted it to be. Together they tell a person's edit
# from our own echo.
record = Table(
    "record",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("system", String(64), nullable=False),
    Column("stream", String(64), nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("entity", String(36)),
    Column("role", String(32), nullable=False, server_default="source"),
    Column("claim", _JsonText),
    Column("base", _JsonText),
    Column("merged", Boolean, nullable=False, server_default=text("false")),
    Column("sent", _JsonText),
    Column("fingerprint", LargeBinary(16)),
    # The idempotency marker that the record itself carries, where its system can carry one: it is ours, not news.
    Column("marker", String(64)),
    Column("gone_at", String(32)),
    Column("pending", Boolean, nullable=False, server_default=text("false")),
    Column("changed_at", String(32), nullable=False),
    UniqueConstraint("system", "stream", "key", name="record_key"),
    Index("record_entity", "entity"),
    Index("record_pending", "system", "stream", "id", sqlite_where=text("pending"), postgresql_where=text("pending")),
)

# What the company knows. `rule` names the derivation of an entity that no system says (a computed membership).
entity = Table(
    "entity",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("data", _JsonText, nullable=False),
    Column("origin", _JsonText, nullable=False),
    Column("audience", _Json),
    Column("rule", Text),
    Column("hash", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("deleted_at", String(32)),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
    Index(
        "entity_rule",
        "rule",
        unique=True,
        sqlite_where=text("rule IS NOT NULL"),
        postgresql_where=text("rule IS NOT NULL"),
    ),
    Index("entity_kind", "kind", "id"),
)

change = Table(
    "change",
    metadata,
    Column("seq", _Id, primary_key=True, autoincrement=True),
    Column("entity", String(36), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("op", String(16), nullable=False),
    Column("fields", _Json, nullable=False),
    Column("run", String(36)),
    Column("at", String(32), nullable=False),
    Index("change_entity", "entity", "seq"),
)

# Who refers to whom, so that a change finds its dependents without a scan.
reference = Table(
    "reference",
    metadata,
    Column("source", String(36), primary_key=True),
    Column("field", String(64), primary_key=True),
    Column("target", String(36), primary_key=True),
    Index("reference_target", "target", "field", "source"),
)

# Claims that refer to a record not yet linked; when it is, the waiting record is merged again.
unresolved = Table(
    "unresolved",
    metadata,
    Column("record", _Id, primary_key=True),
    Column("system", String(64), primary_key=True),
    Column("stream", String(64), primary_key=True),
    Column("key", Text, primary_key=True),
    Index("unresolved_key", "system", "stream", "key"),
)

# Values by which records and entities are matched (employee number, e-mail), normalised.
identifier = Table(
    "identifier",
    metadata,
    Column("value", Text, primary_key=True),
    Column("field", String(64), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("record", _Id, primary_key=True),
    Index("identifier_record", "record"),
)

# The state of showing one entity in one target stream in one shape ("" as itself, else the projection's name).
delivery = Table(
    "delivery",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("flow", String(64), nullable=False),
    Column("target", String(130), nullable=False),
    Column("entity", String(36), nullable=False),
    Column("shape", String(32), nullable=False, server_default=""),
    Column("partition", Text, nullable=False, server_default=""),
    Column("position", String(64), nullable=False, server_default=""),
    Column("op", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("desired", _Json),
    Column("fields", _Json),
    Column("marker", String(64)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", String(32)),
    Column("reason", Text),
    Column("lossy", _Json),
    Column("run", String(36)),
    Column("at", String(32), nullable=False),
    # For a delete or disable: the entity that it is counted under, and who let it pass: "guard" or "person".
    Column("cause", String(36)),
    Column("cleared", String(8)),
    # The entity whose change may end its wait.
    Column("awaits", String(36)),
    # What earlier tries may have made, of which nobody knows what became, where that is not what is desired now.
    Column("tried", _Json),
    # Something else was wanted while it was being sent.
    Column("again", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("target", "entity", "shape", name="delivery_key"),
    Index("delivery_state", "target", "state", "next_at"),
    Index("delivery_flow", "state", "flow", "id"),
    Index("delivery_entity", "entity"),
    Index("delivery_marker", "marker"),
    _partial("delivery_open", "target", "partition", "position", "id", where=OPEN),
    _partial("delivery_due", "flow", "next_at", "id", where=DUE),
    _partial("delivery_holding", "target", "partition", "position", "id", where=HOLDING),
    _partial("delivery_awaits", "awaits", where="awaits IS NOT NULL"),
)

# Files that a target did not take; told from others by what names nobody. Another file of that place is tried again.
left_file = Table(
    "left_file",
    metadata,
    Column("entity", String(36), primary_key=True),
    Column("target", String(130), primary_key=True),
    Column("file", String(32), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

# Who may write a partition of a target now: one run, until it has ended or counts as dead.
lease = Table(
    "lease",
    metadata,
    Column("target", String(130), primary_key=True),
    Column("partition", Text, primary_key=True),
    Column("run", String(36), nullable=False),
)

# Deletes and disables that were written without asking a person, for as long as the brakes count them.
removal = Table(
    "removal",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("target", String(130), nullable=False),
    Column("cause", String(36), nullable=False),
    Column("at", String(32), nullable=False),
    Index("removal_target", "target", "at"),
)

# What has to be planned again for a target although the entity did not change (a link appeared, a record drifted).
agenda = Table(
    "agenda",
    metadata,
    Column("entity", String(36), primary_key=True),
    Column("flow", String(64), primary_key=True),
    Column("at", String(32), nullable=False),
    Index("agenda_order", "flow", "at", "entity"),
)

# What has changed so that all that refers to it has to be planned again, and up to where that was noted.
fanout = Table(
    "fanout",
    metadata,
    Column("entity", String(36), primary_key=True),
    Column("after", String(36), nullable=False),
)

# Where reading a stream, or planning a flow, stands. `fence` is the number of the run that may commit.
checkpoint = Table(
    "checkpoint",
    metadata,
    Column("system", String(64), primary_key=True),
    Column("stream", String(64), primary_key=True),
    Column("partition", String(200), primary_key=True, server_default=""),
    Column("cursor", _Json),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("full_at", String(32)),
    Column("read_at", String(32)),
    Column("mapping", String(64)),
)

# Records that could not be read or mapped; the counterpart for writing is delivery.state = 'set_aside'. `stands`: by the
# word of something else than the record, so that only a person drops it.
set_aside = Table(
    "set_aside",
    metadata,
    Column("system", String(64), primary_key=True),
    Column("stream", String(64), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("native", _Json),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", String(32), nullable=False),
    Column("first_at", String(32), nullable=False),
    Column("stands", String(16)),
)

run = Table(
    "run",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("what", String(16), nullable=False),
    Column("subject", String(130), nullable=False),
    Column("started_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("state", String(16), nullable=False),
    Column("counts", _Json, nullable=False),
    Column("reason", Text),
    # Host, process id and start of the process, to tell a run that died from one that takes its time; and when, by the
    # database's clock, it last said that it lives.
    Column("process", String(200)),
    Column("beat", Float),
    Index("run_subject", "subject", "started_at"),
)

decision = Table(
    "decision",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("flow", String(64)),
    Column("target", String(130)),
    Column("entity", String(36)),
    Column("record", _Id),
    Column("question", Text, nullable=False),
    Column("options", _Json, nullable=False),
    Column("details", _Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("answer", Text),
    Column("decided_by", String(200)),
    Column("decided_at", String(32)),
    Column("at", String(32), nullable=False),
    UniqueConstraint("kind", "subject", name="decision_subject"),
    Index("decision_state", "state", "id"),
    Index("decision_entity", "entity"),
)

# What those who are in a private space were told, once for each `saying` of its policy. `key` is the message's, null where
# it was not sent, or nobody knows whether it was.
notice = Table(
    "notice",
    metadata,
    Column("system", String(64), primary_key=True),
    Column("space", Text, primary_key=True),
    Column("saying", String(32), primary_key=True),
    Column("marker", String(64), nullable=False),
    Column("key", Text),
    Column("at", String(32), nullable=False),
    Column("tried_at", String(32), nullable=False),
)

# Who does not want that what they say in private spaces is read.
opt_out = Table(
    "opt_out",
    metadata,
    Column("person", String(36), primary_key=True),
    Column("actor", String(200), nullable=False),
    Column("at", String(32), nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", _Id, primary_key=True, autoincrement=True),
    Column("at", String(32), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("details", _Json, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("previous", name="audit_chain"),
    Index("audit_subject", "subject", "seq"),
)

# One token bucket per system for all processes.
quota = Table(
    "quota",
    metadata,
    Column("system", String(64), primary_key=True),
    Column("rate", Float, nullable=False),
    Column("burst", Float, nullable=False),
    Column("tokens", Float, nullable=False),
    Column("at", Float, nullable=False),
    Column("blocked_until", Float, nullable=False, server_default="0"),
    Column("used", BigInteger, nullable=False, server_default="0"),
    # What refusals have taught: the rate that holds from then on, and since when, and with how many used by then, it is
    # being put to the test.
    Column("learned", Float),
    Column("learned_at", Float, nullable=False, server_default="0"),
    Column("busy_since", Float, nullable=False, server_default="0"),
    Column("used_before", BigInteger, nullable=False, server_default="0"),
)
