"""What readiness and component history need to be quick: indexes, and a summary of each component's day."""

from pathlib import Path

from alembic import context

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create indexes, the summary and the trigger that keeps it, and summarise what is there."""
    context.config.attributes["run_sql"](Path(__file__), "up")


def downgrade() -> None:
    """Drop them; nothing in them is evidence."""
    context.config.attributes["run_sql"](Path(__file__), "down")
