"""`python -m app` and the `evidence` command."""

from __future__ import annotations

import sys

from app.cli import load


def main() -> None:
    """Run the command line; domain errors end with a sentence and exit code 2."""
    load(sys.argv[1:])()


if __name__ == "__main__":
    main()
