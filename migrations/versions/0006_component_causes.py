"""Causes of component status: steady polls are observations, and trouble that was told lies over days of what was seen."""

from pathlib import Path

from alembic import context

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let polls come again, and keep trouble out of the days."""
    context.config.attributes["run_sql"](Path(__file__), "up")


def downgrade() -> None:
    """Count every snapshot as before, where none came twice."""
    context.config.attributes["run_sql"](Path(__file__), "down")
