"""Alembic's entry: one transaction, one migrator at a time, a bounded wait for locks."""

from alembic import context
from sqlalchemy import text

LOCK = 7305414816093
"""Advisory lock that a migrator holds, so that a second one waits and then finds nothing to do."""

LIMITS = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '10min';"


def run() -> None:
    """Migrate on the connection that app.db.migrate hands over, or print the SQL."""
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", literal_binds=True, transactional_ddl=True)
        with context.begin_transaction():
            context.get_context().impl.static_output(LIMITS)
            context.run_migrations()
        return
    connection = context.config.attributes["connection"]
    with connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        for limit in LIMITS.split(";"):
            if limit.strip():
                connection.execute(text(limit))
        context.configure(connection=connection, transactional_ddl=True)
        context.run_migrations()


run()
