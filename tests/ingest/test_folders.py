"""What lies below the paths a person names: each file once, in a stable order, under a stable key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.domain.errors import Invalid, Unavailable
from app.importers.base import Artifact, Rejected
from app.importers.sources import stem_of
from app.ingest import Readers, find, read_artifact
from app.ingest.parsing import file_artifact
from tests.ingest.reports import folder_of, junit


def told(*paths: Path) -> list[tuple[str, str, str]]:
    return [(entry.name, entry.stem, entry.refused) for entry in find(list(paths))]


def test_a_folder_is_walked_in_name_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (
        "r/b/unit.xml",
        "r/a.xml",
        "r/B.xml",
        "r/.git/config",
        "r/b/.hidden.xml",
        "r/a.json",
        "r/with space.xml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(junit())
    assert told(Path("r")) == [
        ("r/B.xml", "B", ""),
        ("r/a.json", "a", ""),
        ("r/a.xml", "a", ""),
        ("r/b/unit.xml", "b/unit", ""),
        ("r/with space.xml", stem_of("with space.xml"), ""),
    ]


def test_links_are_told_of_and_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    (tmp_path / "outside.xml").write_bytes(junit())
    (folder / "up").symlink_to(tmp_path)
    (folder / "link.xml").symlink_to(tmp_path / "outside.xml")
    (folder / "broken.xml").symlink_to(tmp_path / "nowhere.xml")
    os.mkfifo(folder / "pipe.xml")
    assert {(Path(name).name, refused) for name, _, refused in told(folder)} == {
        ("up", "a symbolic link, not followed"),
        ("link.xml", "a symbolic link, not followed"),
        ("broken.xml", "a symbolic link, not followed"),
        ("pipe.xml", "not a regular file"),
    }
    # A link that a person names is what it points at.
    assert [refused for _, _, refused in told(folder / "link.xml")] == [""]


def test_a_file_reached_twice_counts_once(tmp_path: Path) -> None:
    folder_of(tmp_path / "r", 3)
    (tmp_path / "alias").symlink_to(tmp_path / "r")
    assert len(told(tmp_path / "r", tmp_path / "r" / "part0", tmp_path / "alias")) == 3


def test_a_file_has_one_name_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by the working folder, an absolute path, or what lies beside it."""
    monkeypatch.chdir(tmp_path)
    for name in ("unit/junit.xml", "e2e/junit.xml", "e2e/only.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(junit())
    forth = told(Path("unit"), Path("e2e"))
    assert [stem for _, stem, _ in forth] == ["junit", "junit", "only"]
    assert sorted(told(Path("e2e"), Path("unit"))) == sorted(forth)
    (tmp_path / "link").symlink_to(tmp_path / "unit")
    (tmp_path / "unit" / "junit.json").write_bytes(b"{}")
    for path in (Path("unit/junit.xml"), tmp_path / "unit" / "junit.xml", Path("e2e/../unit/junit.xml"), Path("link")):
        assert told(path)[-1][1] == "junit"
    monkeypatch.chdir(tmp_path / "unit")
    assert [stem for _, stem, _ in told(Path("junit.xml"))] == ["junit"]
    assert [stem for _, stem, _ in told(Path())] == ["junit", "junit"]


@pytest.mark.parametrize("name", ["missing", "missing/deeper.xml", "nul\0.xml", "x" * 5000])
def test_a_path_that_is_not_there_is_misuse(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid):
        find([tmp_path / name])


def test_a_file_that_vanishes_is_rejected(tmp_path: Path) -> None:
    folder_of(tmp_path, 2)
    entries = find([tmp_path])
    entries[0].path.unlink()
    with Readers(1) as readers:
        outcomes = [parsed.outcome for _, parsed in readers.read(entries)]
    assert isinstance(outcomes[0], Rejected)
    assert "No such file" in outcomes[0].reason
    assert not isinstance(outcomes[1], Rejected)


def test_a_file_that_changes_while_it_is_read_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(junit())
    artifact = file_artifact(path, "a.xml")
    times = []

    def open_and_append() -> object:
        times.append(1)
        if len(times) == 3:
            path.write_bytes(junit(2))
        return artifact.open()

    outcome = read_artifact(Artifact("a.xml", artifact.size, open_and_append)).outcome  # type: ignore[arg-type]
    assert isinstance(outcome, Rejected)
    assert "changed while it was read" in outcome.reason


def test_an_importer_that_breaks_rejects_its_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("app.importers.registry.read", broken)
    parsed = read_artifact(Artifact.of_bytes("a.xml", junit()))
    assert parsed.outcome == Rejected("the importer broke on this file (ZeroDivisionError); please report it")


def test_processes_read_in_order(tmp_path: Path) -> None:
    folder_of(tmp_path, 30)
    entries = find([tmp_path])
    with Readers(1) as one:
        alone = [(entry.name, parsed.digest, parsed.outcome) for entry, parsed in one.read(entries)]
    with Readers(3) as three:
        together = [(entry.name, parsed.digest, parsed.outcome) for entry, parsed in three.read(entries)]
    assert together == alone
    assert all(len(digest) == 64 for _, digest, _ in alone)


def test_a_process_that_dies_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path, 3)
    monkeypatch.setattr("app.importers.registry.read", lambda *_: os._exit(9))
    with Readers(2) as readers, pytest.raises(Unavailable, match="run it again, with --jobs 1"):
        list(readers.read(find([tmp_path])))
