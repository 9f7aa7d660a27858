"""Fuzz what is neither JSON nor XML, such as YAML, tables and terminal text:
`python -m tests.fuzz.fuzz_text -max_total_time=600`."""

from __future__ import annotations

from tests.fuzz import target

if __name__ == "__main__":
    target.run("text", target.FORMATS)
