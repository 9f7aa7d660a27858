"""Which row counts: subjects, runs, lateness and mismatches of evidence, links, and causes of component status."""

from pathlib import Path

from alembic import context

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and let the same bytes come again."""
    context.config.attributes["run_sql"](Path(__file__), "up")


def downgrade() -> None:
    """Take them away, where no evidence needs them."""
    context.config.attributes["run_sql"](Path(__file__), "down")
