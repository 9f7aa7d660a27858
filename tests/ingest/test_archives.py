"""Zip and tar archives, friendly and hostile: every file told of, nothing outside touched, memory and time bounded."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from app.importers.base import Rejected
from app.ingest import Readers, archives, find
from app.ingest.archives import COUNT_LIMIT
from app.ingest.folders import IN_MEMORY
from tests.ingest.reports import junit


def made_of(path: Path) -> dict[str, str]:
    """What each entry of an archive becomes: its format and source stem, or the reason why nothing."""
    told = {}
    with Readers(1) as readers:
        for entry, parsed in readers.read(find([path])):
            outcome = parsed.outcome
            name = entry.name.removeprefix(path.as_posix()).removeprefix("/")
            told[name] = outcome.reason if isinstance(outcome, Rejected) else f"{outcome.format} {entry.stem}"
    return told


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info, data in members:
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data))
    return path


def info(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2"])
def test_an_archive_is_read_like_a_folder(tmp_path: Path, mode: str) -> None:
    big = junit(1, note="x" * (2 * IN_MEMORY))
    files = {"unit.xml": junit(), "web/e2e.xml": big, "README.md": b"hello", ".hidden/a.xml": b"x", "__MACOSX/a": b"x"}
    path = tmp_path / "artifacts.bin"
    if mode == "zip":
        zipped(path, files)
    else:
        tarred(path, [(info("web", tarfile.DIRTYPE), b""), *((info(f"./{n}"), d) for n, d in files.items())], mode)
    told = made_of(path)
    assert told.pop("README.md").startswith("unknown format")
    assert told == {"unit.xml": "junit unit", "web/e2e.xml": "junit web/e2e"}


def test_temporary_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    path = zipped(tmp_path / "a.zip", {f"{n}.xml": junit(1, note=str(n) * IN_MEMORY) for n in range(6)})
    with Readers(1) as readers:
        run = readers.read(find([path]))
        next(run)
        assert list(scratch.iterdir())
        run.close()
    assert not list(scratch.iterdir())
    assert set(made_of(path).values()) == {f"junit {n}" for n in range(6)}
    assert not list(scratch.iterdir())


def test_an_archive_in_a_folder_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    zipped(tmp_path / "jobs" / "unit.zip", {"report.xml": junit()})
    zipped(tmp_path / "jobs" / "e2e.zip", {"report.xml": junit(2)})
    assert made_of(tmp_path) == {
        "jobs/e2e.zip/report.xml": "junit jobs/e2e/report",
        "jobs/unit.zip/report.xml": "junit jobs/unit/report",
    }


@pytest.mark.parametrize("name", ["../evil.xml", "/etc/evil.xml", "a/../../evil.xml", "..\\evil.xml", "C:\\evil.xml"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_with_a_name_that_leads_outside_is_refused_whole(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / "a"
    if kind == "zip":
        zipped(path, {name: junit(), "good.xml": junit()})
    else:
        tarred(path, [(info(name), junit()), (info("good.xml"), junit())])
    [refused] = [entry.refused for entry in find([path])]
    assert refused.startswith("the archive holds ")
    assert refused.endswith("a name that leads out of it; nothing of it is read")
    assert [child.name for child in tmp_path.iterdir()] == ["a"]


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_bytes(junit())
    members = [
        (info("link.xml", tarfile.SYMTYPE, str(secret)), b""),
        (info("hard.xml", tarfile.LNKTYPE, "good.xml"), b""),
        (info("fifo", tarfile.FIFOTYPE), b""),
        (info("good.xml"), junit()),
    ]
    assert made_of(tarred(tmp_path / "a.tar.gz", members)) == {
        "link.xml": "a link, not followed",
        "hard.xml": "a link, not followed",
        "fifo": "not a regular file",
        "good.xml": "junit good",
    }
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link.xml")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(secret))
    assert made_of(tmp_path / "a.zip") == {"link.xml": "a link, not followed"}


def test_bombs_are_refused_before_they_grow(tmp_path: Path) -> None:
    zeros = b"\0" * (8 * 1024 * 1024)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small.xml", junit())
        with archive.open("big.xml", "w", force_zip64=False) as entry:
            for _ in range(40):
                entry.write(zeros)
    told = made_of(tmp_path / "bomb.zip")
    assert told["small.xml"] == "junit small"
    assert "more than 200 times its size" in told["big.xml"]

    with zipfile.ZipFile(tmp_path / "many.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(12):
            archive.writestr(f"{number}.xml", zeros)
    [told_of_whole] = made_of(tmp_path / "many.zip").items()
    assert told_of_whole[0] == ""
    assert "the archive grows beyond 67,108,864 bytes" in told_of_whole[1]

    with tarfile.open(tmp_path / "bomb.tar.gz", "w:gz") as packed:
        for number in range(12):
            member = info(f"{number}.xml")
            member.size = len(zeros)
            packed.addfile(member, io.BytesIO(zeros))
    [told_of_whole] = made_of(tmp_path / "bomb.tar.gz").items()
    assert "the archive grows beyond" in told_of_whole[1]


def test_a_zip_that_lies_about_a_size_gives_no_more_than_it_said(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.xml": junit(500)})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 30)
    path.write_bytes(data)
    [reason] = made_of(path).values()
    assert "cannot be unpacked" in reason


def test_too_many_entries_are_refused_by_the_directory_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "a.zip", {"a.xml": junit()})
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x05\x06")
    data[at + 8 : at + 12] = struct.pack("<HH", COUNT_LIMIT + 1, COUNT_LIMIT + 1)
    path.write_bytes(data)
    assert "more than 20,000 entries" in made_of(path)[""]
    monkeypatch.setattr(archives, "COUNT_LIMIT", 3)
    members = [(info(f"{n}.xml"), junit()) for n in range(4)]
    assert "more than 3 entries" in made_of(tarred(tmp_path / "b.tar", members, "w"))[""]


def test_zip64_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.xml", junit())
        archive.start_dir = archive.fp.tell()  # type: ignore[union-attr]
    data = path.read_bytes()
    at = data.rindex(b"PK\x05\x06")
    path.write_bytes(data[:at] + b"PK\x06\x07" + b"\0" * 16 + data[at:])
    assert "zip64" in made_of(path)[""]


def test_odd_entries_are_refused_by_themselves(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x.xml", junit())
    path = zipped(tmp_path / "a.zip", {"inner.zip": inner.getvalue(), "empty.xml": b"", "good.xml": junit()})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("good.xml", junit(2))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("lzma.xml", junit())
    with Readers(1) as readers:
        found = [(entry.name.rsplit("/", 1)[1], parsed.outcome) for entry, parsed in readers.read(find([path]))]
    told = [(name, outcome.reason if isinstance(outcome, Rejected) else "taken") for name, outcome in found]
    assert told == [
        ("inner.zip", "an archive inside an archive is not opened"),
        ("empty.xml", "the file is empty"),
        ("good.xml", "taken"),
        ("good.xml", "the archive holds this name twice"),
        ("lzma.xml", "compressed by method 14; use deflate"),
    ]


def test_encrypted_entries_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.xml": junit()})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert made_of(path) == {"a.xml": "encrypted"}


@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tar.gz"])
def test_a_truncated_archive_is_told_of(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    noise = bytes(range(256)) * 40
    if kind == "a.zip":
        zipped(path, {"a.xml": junit(), "b.xml": noise})
    else:
        tarred(path, [(info("a.xml"), junit()), (info("b.xml"), noise)], "w:gz" if kind.endswith("gz") else "w")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    told = made_of(path)
    assert any("cannot be read" in reason for reason in told.values())
    assert "b.xml" not in told


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        member = info("a.xml")
        member.pax_headers = {"comment": "x" * 3_000_000}
        archive.addfile(member, io.BytesIO(b""))
    assert made_of(path) == {"": "the archive has a header of more than 1 MB"}


def test_an_archive_that_changes_between_listing_and_reading(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.xml": junit(), "b.xml": junit(2)})
    entries = find([path])
    zipped(path, {"a.xml": junit(), "c.xml": junit(2)})
    with Readers(1) as readers:
        outcomes = [parsed.outcome for _, parsed in readers.read(entries)]
    assert not isinstance(outcomes[0], Rejected)
    assert outcomes[1] == Rejected("the archive changed while it was read; import it again")


def test_compressed_files_that_are_no_archives_are_files(tmp_path: Path) -> None:
    import gzip

    (tmp_path / "report.xml.gz").write_bytes(gzip.compress(junit()))
    (tmp_path / "broken.gz").write_bytes(b"\x1f\x8b nothing")
    told = made_of(tmp_path)
    assert set(told) == {"broken.gz", "report.xml.gz"}
