"""What coverage-guided fuzzing found, read again with detection and as each format; `make fuzz` looks for more."""

from __future__ import annotations

import pytest

from tests.fuzz import sound

KINDS = ("json", "xml", "text")


@pytest.mark.parametrize("kind", KINDS)
def test_found_inputs_give_a_sound_batch_or_a_rejection(kind: str) -> None:
    kept = list(sound.found(kind))
    assert kept
    for data in kept:
        sound.check(data)
