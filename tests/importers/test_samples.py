"""Every sample beside this file, read without naming its format, gives what the file next to it says.

`NAME.<ext>` stands beside `NAME.expected.json`, any part of what `describe` gives, or `NAME.rejected.json` with
{"reason": part of the sentence, "line", "column"}. The folder is the format's name with underscores.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.importers import registry
from app.importers.base import Artifact
from app.importers.describe import describe
from app.importers.registry import FORMATS
from tests.importers.mutations import mutations

HERE = Path(__file__).parent
ANSWERS = (".expected.json", ".rejected.json")


def samples() -> list[Path]:
    """The sample artifacts of all formats."""
    return sorted(
        path
        for folder in HERE.iterdir()
        if folder.is_dir() and folder.name.replace("_", "-") in FORMATS
        for path in folder.iterdir()
        if path.is_file() and not path.name.endswith(ANSWERS)
    )


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _artifact(path: Path, data: bytes | None = None) -> Artifact:
    return Artifact.of_bytes(path.name, path.read_bytes() if data is None else data)


def _answer(path: Path, kind: str) -> Path:
    return path.with_name(path.name.split(".")[0] + kind)


def _differences(expected: Any, got: Any, at: str = "$") -> list[str]:
    """Where `got` lacks or contradicts `expected`. Objects may hold more; arrays must match in length and order."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return [
            line
            for key, value in expected.items()
            for line in (_differences(value, got[key], f"{at}.{key}") if key in got else [f"{at}.{key}: is not there"])
        ]
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        return [
            line
            for number, (one, other) in enumerate(zip(expected, got, strict=True))
            for line in _differences(one, other, f"{at}[{number}]")
        ]
    return [] if expected == got and type(expected) is type(got) else [f"{at}: {got!r} is not {expected!r}"]


def assert_storable(told: dict[str, Any]) -> None:
    """Fit for jsonb and text columns: no NaN, no NUL, no lone surrogate, and small."""
    text = json.dumps(told, allow_nan=False, ensure_ascii=False)
    assert "\\u0000" not in text
    assert len(text.encode()) < 500_000


@pytest.mark.parametrize("path", samples(), ids=_name)
def test_sample(path: Path) -> None:
    told = describe(path.name, registry.read(_artifact(path)))
    expected, rejected = _answer(path, ANSWERS[0]), _answer(path, ANSWERS[1])
    assert expected.exists() != rejected.exists(), "exactly one answer stands beside a sample"
    if expected.exists():
        assert told["accepted"], told
        assert told["format"] == path.parent.name.replace("_", "-")
        assert _differences(json.loads(expected.read_text("utf-8")), told) == []
    else:
        assert not told["accepted"], told
        wanted = json.loads(rejected.read_text("utf-8"))
        assert wanted.pop("reason") in told["reason"]
        assert _differences(wanted, told) == []
    assert_storable(told)


def test_answers_have_their_samples() -> None:
    stems = {(path.parent, path.name.split(".")[0]) for path in samples()}
    lost = [
        path
        for folder in {path.parent for path in samples()}
        for path in folder.iterdir()
        if path.name.endswith(ANSWERS) and (folder, path.name.split(".")[0]) not in stems
    ]
    assert lost == []


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_every_format_has_a_good_and_a_bad_sample(format: str) -> None:
    folder = HERE / format.replace("-", "_")
    assert list(folder.glob("*.expected.json")), f"{folder.name} has no accepted sample"
    assert list(folder.glob("*.rejected.json")), f"{folder.name} has no rejected sample"


@pytest.mark.parametrize("path", samples(), ids=_name)
def test_broken_copies_give_a_batch_or_a_rejection(path: Path) -> None:
    """A size that makes the loop seconds long is cut: structure breaks the same in a small sample."""
    data = path.read_bytes()
    for broken in mutations(data, seed=len(data), count=200 if len(data) < 20_000 else 25):
        for format in (None, path.parent.name.replace("_", "-")):
            told = describe(path.name, registry.read(_artifact(path, broken), format))
            assert_storable(told)
