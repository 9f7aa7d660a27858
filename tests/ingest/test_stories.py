"""Stories that ended in a false green or a stale red, told by the command line up to the verdict they must end in."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.ingest.reports import NEW_BUNDLE

POLICY = """
version = 1
[[rules]]
evidence = { ci = "blocking", security = "blocking" }
gates = { security = "blocking" }
[rules.freshness]
ci = "unlimited"
security = "unlimited"
"""
A, B = "a" * 40, "b" * 40


def junit(path: Path, suite: str, *, failed: int = 0, at: str = "", classname: str = "", extra: str = "") -> Path:
    """A report of three tests in a suite."""
    stamp = f' timestamp="{at}"' if at else ""
    cases = [
        f'<testcase classname="{classname or suite}" name="t{n}">{"<failure/>" if n < failed else ""}</testcase>'
        for n in range(3)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<testsuite name="{suite}"{stamp}>{"".join(cases)}{extra}</testsuite>')
    return path


def sarif(path: Path, tool: str = "bandit", *, findings: int = 0, at: str = "", kind: str = "fail") -> Path:
    """A scan with some findings of level error."""
    run: dict[str, Any] = {
        "tool": {"driver": {"name": tool, "rules": []}},
        "results": [
            {"ruleId": f"R{n}", "level": "error", "kind": kind, "message": {"text": "bad"}} for n in range(findings)
        ],
        "invocations": [{"executionSuccessful": True, **({"endTimeUtc": at} if at else {})}],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": "2.1.0", "runs": [run]}))
    return path


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy that asks for tests and a scan, however old."""
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return path


class Story:
    """A bundle to which things happen."""

    def __init__(self, run: Run, policy: Path) -> None:
        self._run = run
        self._policy = policy

    def take(self, *paths: Path, **options: str) -> list[str]:
        """Import files; what became of each."""
        return [told["status"] for told in self.told(*paths, **options)]

    def told(self, *paths: Path, **options: str) -> list[dict[str, Any]]:
        """Import files; all that is told of each."""
        given = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        # No CI of the machine that runs the tests speaks here.
        plain = [] if "job" in options else ["--job", ""]
        plain += [] if "run" in options else ["--run", ""]
        commit = [] if "commit" in options else ["--commit", A]
        done = self._run("import", *paths, "--bundle", "k", *NEW_BUNDLE, *commit, *plain, *given, "--json")
        assert done.exit_code in (0, 1), done.output
        return [json.loads(line) for line in done.output.splitlines()][:-1]

    def verdict(self) -> tuple[str, list[tuple[str, str]]]:
        """The state, and the code and subject of what blocks or warns."""
        evaluated = self._run("evaluate", "--bundle", "k", "--policy", self._policy)
        assert evaluated.exit_code == 0, evaluated.output
        done = self._run("readiness", "--bundle", "k", "--policy", self._policy, "--format", "json")
        told = json.loads(done.output)
        assert (done.exit_code == 0) == (told["state"] == "ready")
        heavy = [each for each in told["reasons"] if each["severity"] != "info"]
        return told["state"], [(each["code"], each["subject"]) for each in heavy]

    def reasons(self) -> list[str]:
        """The codes of all reasons, remarks too."""
        done = self._run("readiness", "--bundle", "k", "--policy", self._policy, "--format", "json")
        return [each["code"] for each in json.loads(done.output)["reasons"]]


@pytest.fixture
def story(run: Run, policy: Path) -> Story:
    return Story(run, policy)


def ready(story: Story, tmp_path: Path) -> None:
    """Tests and a scan that are rightly ready."""
    story.take(junit(tmp_path / "ok" / "fine.xml", "fine"), sarif(tmp_path / "ok" / "fine.sarif", "trufflehog"))
    assert story.verdict() == ("ready", [])


def test_failing_bytes_that_come_back_are_evidence_anew(story: Story, tmp_path: Path) -> None:
    ready(story, tmp_path)
    failing, clean = sarif(tmp_path / "1" / "scan.sarif", findings=1), sarif(tmp_path / "2" / "scan.sarif")
    assert [story.take(path) for path in (failing, clean, failing)] == [["created"], ["superseded"], ["superseded"]]
    assert story.verdict()[0] == "blocked"
    bad, good = junit(tmp_path / "1" / "unit.xml", "unit", failed=1), junit(tmp_path / "2" / "unit.xml", "unit")
    story.take(clean)
    assert [story.take(path) for path in (bad, good, bad)] == [["created"], ["superseded"], ["superseded"]]
    assert story.verdict() == ("blocked", [("failed", "ci")])


@pytest.mark.parametrize("name", ["junit.xml", "results.xml"])
def test_two_jobs_with_one_file_name(story: Story, tmp_path: Path, name: str) -> None:
    ready(story, tmp_path)
    unit = junit(tmp_path / "u" / "reports" / name, "unit", failed=1)
    integration = junit(tmp_path / "i" / "reports" / name, "integration")
    assert story.take(unit) + story.take(integration) == ["created", "apart"]
    assert story.verdict() == ("blocked", [("failed", "ci")])
    mended = junit(tmp_path / "u2" / "reports" / name, "unit")
    assert story.take(mended) == ["superseded"]
    assert story.verdict() == ("ready", [])


def test_reports_that_everybodys_runner_named(story: Story, tmp_path: Path) -> None:
    """What they hold tells them apart; the file of the other job says nothing for this one."""
    ready(story, tmp_path)
    unit = junit(tmp_path / "u" / "junit.xml", "pytest", classname="tests.unit.test_a", failed=1)
    whole = junit(tmp_path / "i" / "junit.xml", "pytest", classname="tests.e2e.test_b")
    assert story.take(unit) + story.take(whole) == ["created", "apart"]
    assert story.verdict()[0] == "blocked"
    assert story.take(junit(tmp_path / "u" / "junit.xml", "pytest", classname="tests.unit.test_a")) == ["superseded"]
    assert story.verdict() == ("ready", [])


def test_two_archives_two_scanners_two_folders(story: Story, tmp_path: Path) -> None:
    ready(story, tmp_path)
    for name, failed in (("a", 1), ("b", 0)):
        inner = junit(tmp_path / name / "junit.xml", f"suite {name}", failed=failed)
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.write(inner, "junit.xml")
    assert story.take(tmp_path / "a.zip") + story.take(tmp_path / "b.zip") == ["created", "apart"]
    assert story.verdict() == ("blocked", [("failed", "ci")])
    story.take(junit(tmp_path / "a" / "junit.xml", "suite a"))
    loud = sarif(tmp_path / "x" / "results.sarif", "semgrep", findings=2)
    assert story.take(loud, sarif(tmp_path / "y" / "results.sarif", "gosec")) == ["created", "apart"]
    assert story.verdict()[0] == "blocked"
    # Two legs of one suite that come together are two reports, in the next run too.
    for _ in range(2):
        legs = [tmp_path / leg for leg in ("py311", "py312")]
        for leg, failed in zip(legs, (1, 0), strict=True):
            junit(leg / "junit.xml", "matrix", failed=failed)
        story.take(*legs)
        assert ("failed", "ci") in story.verdict()[1]


def test_one_file_has_one_name(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = junit(tmp_path / "runner-1" / "out" / "results.xml", "unit")
    monkeypatch.chdir(tmp_path / "runner-1")
    ways: Sequence[Path] = (Path("out"), Path("out/results.xml"), path)
    keys = {story.told(way)[0]["source_key"] for way in ways}
    monkeypatch.chdir(path.parent)
    (path.parent / "results.json").write_text("{}")
    keys |= {each["source_key"] for each in story.told(Path("results.xml"), Path()) if each["status"] != "rejected"}
    assert keys == {"ci/junit/results"}
    again = junit(tmp_path / "runner-2" / "x" / "results.xml", "unit", failed=1)
    assert story.take(again) == ["superseded"]


def test_an_older_run_that_comes_late_does_not_count(story: Story, tmp_path: Path) -> None:
    ready(story, tmp_path)
    new = junit(tmp_path / "2" / "unit.xml", "unit", failed=2, at="2026-06-02T10:00:00Z")
    old = junit(tmp_path / "1" / "unit.xml", "unit", at="2026-06-01T10:00:00Z")
    assert story.take(new) + story.take(old) + story.take(old) == ["created", "late", "late"]
    assert story.verdict() == ("blocked", [("failed", "ci")])
    assert "late" in story.reasons()
    worse = junit(tmp_path / "0" / "unit.xml", "unit", failed=3, at="2026-06-02T09:00:00Z")
    story.take(junit(tmp_path / "3" / "unit.xml", "unit", at="2026-06-03T10:00:00Z"))
    assert story.verdict() == ("ready", [])
    assert story.take(worse) == ["late"]
    assert story.verdict() == ("at_risk", [("late", "ci")])


def test_what_only_a_suite_declares_is_no_pass(story: Story, tmp_path: Path) -> None:
    ready(story, tmp_path)
    path = tmp_path / "declared.xml"
    path.write_text('<testsuites tests="1"><testsuite name="s" tests="1" errors="1"></testsuite></testsuites>')
    story.take(path)
    assert story.verdict()[0] == "blocked"
    path.write_text('<testsuite name="s" tests="65255"><testcase name="a"/><testcase name="b"/></testsuite>')
    story.take(path)
    state, reasons = story.verdict()
    assert (state, set(reasons)) == ("blocked", {("unknown", "ci")})


def test_a_pipeline_of_another_commit_is_no_proof(story: Story, tmp_path: Path) -> None:
    ready(story, tmp_path)
    pipeline = {
        "id": 7, "iid": 1, "ref": "main", "sha": B, "status": "success", "source": "push",
        "web_url": "https://gitlab.example.org/team/portal/-/pipelines/7",
    }  # fmt: skip
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps(pipeline))
    [told] = story.told(path)
    assert told["status"] == "mismatched"
    assert "commit bbbbbbbbbbbb, not aaaaaaaaaaaa" in told["sentence"]
    assert story.verdict() == ("blocked", [("mismatched", "ci")])
    path.write_text(json.dumps(pipeline | {"sha": A}))
    assert story.take(path) == ["created"]
    assert story.verdict() == ("blocked", [("mismatched", "ci")]), "it is seen until somebody withdraws it"


def test_a_withdrawn_scan_that_comes_again_counts_again(story: Story, run: Run, tmp_path: Path) -> None:
    ready(story, tmp_path)
    path = sarif(tmp_path / "scan.sarif", findings=1)
    [told] = story.told(path)
    done = run("record", "retraction", "--row", told["item_ids"][0], "--actor", "dave", "--reason", "false alarm")
    assert done.exit_code == 0, done.output
    assert story.verdict() == ("ready", [])
    assert story.take(path) == ["superseded"]
    assert story.verdict()[0] == "blocked"


def test_another_run_confirms(story: Story, tmp_path: Path) -> None:
    path = junit(tmp_path / "unit.xml", "unit")
    taken = [story.take(path, run=run) for run in ("1", "1", "2", "1", "2")]
    assert taken == [["created"], ["unchanged"], ["confirmed"], ["unchanged"], ["unchanged"]]
    assert story.take(path) == ["unchanged"]


def test_a_renamed_check_gives_way(story: Story, tmp_path: Path) -> None:
    ready(story, tmp_path)
    story.take(junit(tmp_path / "old.xml", "unit", failed=1))
    new = junit(tmp_path / "new.xml", "unit tests")
    [refused] = story.told(new, replaces="ci/junit/unheard-of")
    assert (refused["status"], "has no check" in refused["reason"]) == ("rejected", True)
    assert story.take(new, replaces="ci/junit/old") == ["created"]
    assert story.verdict() == ("ready", [])


def test_a_job_names_a_check_for_tests_and_never_for_scans(story: Story, tmp_path: Path) -> None:
    ready(story, tmp_path)
    [one] = story.told(junit(tmp_path / "junit.xml", "unit", failed=1), job="unit tests")
    [two] = story.told(junit(tmp_path / "junit.xml", "renamed suite"), job="unit tests")
    assert (two["status"], two["source_key"]) == ("superseded", one["source_key"])
    assert "reports on renamed suite now" in two["sentence"]
    assert story.take(junit(tmp_path / "junit.xml", "unit", failed=1), job="integration") == ["created"]
    assert story.verdict() == ("blocked", [("failed", "ci")])
    story.take(sarif(tmp_path / "r.sarif", "semgrep", findings=1), job="scan")
    assert story.take(sarif(tmp_path / "r.sarif", "gosec"), job="scan") == ["apart"]


def test_results_that_passed_and_linters_are_no_scan(story: Story, tmp_path: Path) -> None:
    story.take(junit(tmp_path / "ok.xml", "fine"))
    story.take(sarif(tmp_path / "lint.sarif", "ESLint"))
    state, reasons = story.verdict()
    assert state == "blocked"
    assert ("missing", "security") in reasons
    assert story.take(sarif(tmp_path / "scan.sarif", "bandit", findings=3, kind="pass")) == ["created"]
    assert story.verdict() == ("ready", [])


def test_health_without_a_name_is_called_after_its_file(run: Run, tmp_path: Path) -> None:
    """The one that is up must not hide the one that is down, however they are called."""
    up = {"status": "UP", "components": {"db": {"status": "UP"}}}
    down = {"status": "DOWN", "components": {"db": {"status": "DOWN"}}}
    for name, document in (("api.json", down), ("web.json", up)):
        (tmp_path / name).write_text(json.dumps(document))
        done = run("import", tmp_path / name, "--environment", "staging")
        assert done.exit_code == 0, done.output
    done = run("readiness", "--environment", "staging", "--format", "json")
    troubled = {each["subject"] for each in json.loads(done.output)["reasons"] if each["code"] == "failed"}
    assert troubled == {"api", "api/db"}
    done = run("import", tmp_path / "api.json", "--environment", "staging", "--component", "orders", "--json")
    assert json.loads(done.output.splitlines()[0])["rows"] == {"components": 2}
    done = run("readiness", "--environment", "staging", "--format", "json")
    troubled = {each["subject"] for each in json.loads(done.output)["reasons"] if each["code"] == "failed"}
    assert troubled == {"api", "api/db", "orders", "orders/db"}


@pytest.mark.parametrize("words", [["UP", "DOWN", "UP", "UP"], ["DOWN", "UP", "DOWN"]])
def test_a_poll_that_says_the_same_again_is_seen_again(run: Run, tmp_path: Path, words: list[str]) -> None:
    path = tmp_path / "api.json"
    for word in words:
        path.write_text(json.dumps({"status": word}))
        done = run("import", path, "--environment", "staging", "--json")
        assert json.loads(done.output.splitlines()[0])["rows"] == {"components": 1}
    done = run("readiness", "--environment", "staging", "--format", "json")
    failed = [each["subject"] for each in json.loads(done.output)["reasons"] if each["code"] == "failed"]
    assert failed == ([] if words[-1] == "UP" else ["api"])


def test_a_manifest_without_status_is_no_answer(run: Run, tmp_path: Path) -> None:
    running: dict[str, Any] = {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "generation": 1}, "spec": {"replicas": 1},
        "status": {
            "observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1,
            "conditions": [{"type": "Available", "status": "True"}],
        },
    }  # fmt: skip
    path = tmp_path / "web.json"
    for document, code in ((running, 0), ({key: running[key] for key in running if key != "status"}, 1)):
        path.write_text(json.dumps(document))
        done = run("import", path, "--environment", "staging", "--json")
        assert done.exit_code == code, done.output
    assert "what is wanted" in json.loads(done.output.splitlines()[0])["reason"]
    done = run("readiness", "--environment", "staging", "--format", "json")
    assert not [each for each in json.loads(done.output)["reasons"] if each["subject_type"] == "component"]


def test_an_alert_holds_until_it_is_told_otherwise(run: Run, tmp_path: Path) -> None:
    """However long ago it began, and whatever a healthy probe says in between."""

    def troubled() -> list[str]:
        done = run("readiness", "--environment", "staging", "--format", "json")
        return [each["subject"] for each in json.loads(done.output)["reasons"] if each["code"] == "failed"]

    def take(path: Path) -> None:
        done = run("import", path, "--environment", "staging")
        assert done.exit_code == 0, done.output

    alert: dict[str, Any] = {
        "status": "firing", "labels": {"alertname": "Down", "severity": "critical", "service": "api"},
        "annotations": {}, "startsAt": "2026-06-01T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "f1",
    }  # fmt: skip
    other = alert | {"labels": alert["labels"] | {"alertname": "Slow"}, "fingerprint": "f2"}
    path, probe = tmp_path / "payload.json", tmp_path / "api.json"

    def send(*alerts: dict[str, Any]) -> None:
        path.write_text(json.dumps({"status": "firing", "groupKey": "g", "receiver": "r", "alerts": list(alerts)}))
        take(path)

    send(alert, other)
    assert troubled() == ["api"]
    probe.write_text(json.dumps({"status": "UP"}))
    take(probe)
    assert troubled() == ["api"], "a healthy look does not end an alert"
    send(alert | {"status": "resolved", "endsAt": datetime.now(UTC).isoformat()})
    assert troubled() == ["api"], "nor does another alert's end"
    send(other | {"status": "resolved", "endsAt": datetime.now(UTC).isoformat()})
    assert troubled() == []


def test_a_late_report_that_was_withdrawn_leaves_what_stands(story: Story, run: Run, tmp_path: Path) -> None:
    new = junit(tmp_path / "2" / "unit.xml", "unit", at="2026-06-02T10:00:00Z")
    old = junit(tmp_path / "1" / "unit.xml", "unit", failed=1, at="2026-06-01T10:00:00Z")
    story.take(new)
    [late] = story.told(old)
    done = run("record", "retraction", "--row", late["item_ids"][0], "--actor", "ada", "--reason", "wrong build")
    assert done.exit_code == 0, done.output
    assert story.take(new) + story.take(old) == ["unchanged", "late"]
    assert "late" in story.reasons()
