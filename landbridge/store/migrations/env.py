"""What Alembic runs; the connection and its transaction come from Hub.migrate."""

from __future__ import annotations

from alembic import context

from landbridge.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite too rolls back tables, as long as Python's driver does not interfere
)
with context.begin_transaction():
    context.run_migrations()
