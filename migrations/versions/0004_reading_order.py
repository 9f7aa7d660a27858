"""Indexes that give a bundle's rows in the order in which they are read."""

from pathlib import Path

from alembic import context

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the longer indexes in the place of the shorter."""
    context.config.attributes["run_sql"](Path(__file__), "up")


def downgrade() -> None:
    """Put the shorter ones back."""
    context.config.attributes["run_sql"](Path(__file__), "down")
