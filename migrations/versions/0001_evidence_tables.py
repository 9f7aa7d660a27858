"""The six evidence tables, append-only."""

from pathlib import Path

from alembic import context

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create tables, indexes, triggers and comments."""
    context.config.attributes["run_sql"](Path(__file__), "up")


def downgrade() -> None:
    """Drop them, unless they hold evidence."""
    context.config.attributes["run_sql"](Path(__file__), "down")
