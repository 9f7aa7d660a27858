"""Large reports through the commands: streamed in flat memory, or refused by a limit that the sentence states.

The sizes are smaller than what people have, for the sake of CI; bench/IMPORT.md holds the figures for 500 MB.
"""

from __future__ import annotations

import json
from pathlib import Path

from app.importers.documents import JSON_LIMIT
from tests.ingest.measured import evidence
from tests.ingest.reports import NEW_BUNDLE, counts, rows

MEGABYTES = 400.0
CASES = 150_000


async def test_a_large_junit_report_is_imported_in_flat_memory(dsn: str, tmp_path: Path) -> None:
    report = tmp_path / "large.xml"
    with report.open("w", encoding="utf-8") as out:
        out.write('<testsuites><testsuite name="large">')
        for number in range(CASES):
            body = f"<failure message='m{number}'>{'at line' * 60}</failure>" if number % 1000 == 0 else ""
            out.write(f'<testcase classname="pkg.C{number % 500}" name="case {number}" time="0.01">{body}')
            out.write(f"<system-out>{'x' * 200}</system-out></testcase>\n")
        out.write("</testsuite></testsuites>")
    run = evidence("import", report, "--bundle", "k", *NEW_BUNDLE, "--json", DATABASE_URL=dsn)
    assert (run.code, run.err) == (0, "")
    [item] = await rows(dsn, "platform_evidence_items")
    assert [item[f"tests_{name}"] for name in ("total", "passed", "failed")] == [CASES, CASES - 150, 150]
    assert run.megabytes < MEGABYTES / 2, "flat: what 500 MB take is not more"


async def test_a_json_report_of_the_largest_size_is_imported_in_bounded_memory(dsn: str, tmp_path: Path) -> None:
    result = {"ruleId": "R", "level": "warning", "message": {"text": "\N{COLLISION SYMBOL} found"}, "locations": []}
    one = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
    count = (JSON_LIMIT - 200) // (len(one.encode()) + 1)
    report = tmp_path / "large.sarif"
    with report.open("w", encoding="utf-8") as out:
        out.write('{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}},"results":[')
        out.write(",".join([one] * count))
        out.write("]}]}")
    run = evidence("import", report, "--bundle", "k", *NEW_BUNDLE, "--json", DATABASE_URL=dsn)
    assert (run.code, run.err) == (0, "")
    [item] = await rows(dsn, "platform_evidence_items")
    assert item["findings_medium"] == count
    assert run.megabytes < MEGABYTES


async def test_a_json_report_beyond_the_limit_is_refused_unread(dsn: str, tmp_path: Path) -> None:
    report = tmp_path / "huge.sarif"
    with report.open("wb") as out:
        out.write(b'{"version": "2.1.0", "runs": [')
        out.truncate(500_000_000)  # sparse: nobody reads that far
    run = evidence("import", report, "--bundle", "k", *NEW_BUNDLE, "--json", DATABASE_URL=dsn)
    assert run.code == 1
    reason = run.told()[0]["reason"]
    assert reason == f"500,000,000 bytes; formats read whole are limited to {JSON_LIMIT:,} bytes"
    assert run.megabytes < 120
    assert set((await counts(dsn)).values()) == {0}
