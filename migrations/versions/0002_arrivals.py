"""Indexes by writing transaction, so that what arrived since a snapshot is found at once."""

from pathlib import Path

from alembic import context

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the indexes."""
    context.config.attributes["run_sql"](Path(__file__), "up")


def downgrade() -> None:
    """Drop them."""
    context.config.attributes["run_sql"](Path(__file__), "down")
