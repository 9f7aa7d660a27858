"""Causes of component status: what they told is found by index, and trouble that they told is kept out of the days."""

from pathlib import Path

from alembic import context

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes, and have the days be of what was seen."""
    context.config.attributes["run_sql"](Path(__file__), "up")


def downgrade() -> None:
    """Have the days be of every snapshot again."""
    context.config.attributes["run_sql"](Path(__file__), "down")
