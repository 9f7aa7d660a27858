"""`python -m app` and the `evidence` command."""

from __future__ import annotations

from app.cli import app


def main() -> None:
    """Run the command line; domain errors end with a sentence and exit code 2."""
    app()


if __name__ == "__main__":
    main()
