"""What a report of tests says of itself: its subject, the same however its tests end, its commit and its link."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.checks import Subject, same_check, share, stands_in_for
from app.importers import registry
from app.importers.base import Artifact, ImportBatch, Rejected

SHA = "0123456789abcdef0123456789abcdef01234567"


def read(text: str | bytes) -> ImportBatch:
    found = registry.read(Artifact.of_bytes("report", text.encode() if isinstance(text, str) else text))
    assert isinstance(found, ImportBatch), found
    return found


def junit(cls: str, bad: bool, *, name: str = "Jest tests", more: str = "") -> str:
    failure = "<failure message='m'/>" if bad else ""
    return (
        f'<testsuites name="{name}" timestamp="2026-01-0{1 + bad}T00:00:00">'
        f'<testsuite name="x" hostname="h{bad}">{more}'
        f'<testcase classname="{cls}" name="a" time="{bad}.5">{failure}</testcase></testsuite></testsuites>'
    )


def nunit3(cls: str, bad: bool) -> str:
    result = "Failed" if bad else "Passed"
    return (
        f'<test-run id="{bad}" result="{result}" total="1" failed="{int(bad)}" start-time="2026-01-01 00:00:00Z">'
        f'<test-suite type="Assembly" name="Shop.dll" fullname="/w{bad}/bin/Release/net8.0/Shop.dll" total="1">'
        f'<test-case fullname="{cls}.A" classname="{cls}" result="{result}"/></test-suite></test-run>'
    )


def nunit2(cls: str, bad: bool) -> str:
    result = "Failure" if bad else "Success"
    return (
        f'<test-results name="C:\\w{bad}\\bin\\Debug\\net48\\Shop.dll" total="1" errors="0" failures="{int(bad)}" '
        f'not-run="0" date="2026-01-01" time="00:00:0{int(bad)}"><environment/>'
        f'<test-suite name="s" success="{not bad}">'
        f'<results><test-case name="{cls}.A(3)" executed="True" result="{result}" success="{not bad}"/></results>'
        "</test-suite></test-results>"
    )


def xunit_net(cls: str, bad: bool) -> str:
    result = "Fail" if bad else "Pass"
    return (
        f'<assemblies><assembly name="/w{bad}/bin/Release/net8.0/Shop.dll" total="1" failed="{int(bad)}" errors="0" '
        f'run-date="2026-01-01" run-time="00:00:0{int(bad)}"><collection name="c" total="1" failed="{int(bad)}">'
        f'<test name="{cls}.A(1)" type="{cls}" result="{result}"/></collection></assembly></assemblies>'
    )


def trx(cls: str, bad: bool) -> str:
    outcome = "Failed" if bad else "Passed"
    return (
        f'<TestRun id="{bad}" name="ci@host{bad} 2026-01-01" '
        'xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">'
        f'<Results><UnitTestResult testId="1" testName="A" outcome="{outcome}"/></Results><TestDefinitions>'
        f'<UnitTest name="A" id="1" storage="/w{bad}/bin/Release/net8.0/shop.dll">'
        f'<TestMethod className="{cls}"/></UnitTest>'
        f'</TestDefinitions><ResultSummary outcome="{"Failed" if bad else "Completed"}"><Counters total="1" '
        f'failed="{int(bad)}"/></ResultSummary></TestRun>'
    )


def mocha(cls: str, bad: bool) -> str:
    test = {"title": "a", "fullTitle": f"{cls} a", "file": f"/builds/g{bad}/p/test/{cls}.js", "duration": int(bad)}
    stats = {"tests": 1, "failures": int(bad), "start": f"2026-01-0{1 + bad}T00:00:00Z"}
    ended = {"passes": [] if bad else [test], "failures": [test] if bad else [], "pending": []}
    return json.dumps({"stats": stats, "tests": [test], **ended})


def mochawesome(cls: str, bad: bool) -> str:
    test = {"title": "a", "fullTitle": f"{cls} a", "state": "failed" if bad else "passed", "uuid": str(bad)}
    suite = {"title": cls, "fullFile": f"/builds/g/p{bad}/test/{cls}.js", "beforeHooks": [], "tests": [test]}
    stats = {"tests": 1, "failures": int(bad), "testsRegistered": 1}
    return json.dumps({"stats": stats, "results": [{"uuid": str(bad), "title": "", "suites": [suite], "tests": []}]})


def dart(cls: str, bad: bool) -> str:
    return "\n".join(
        json.dumps(event)
        for event in (
            {"type": "start", "protocolVersion": "0.1.1", "runnerVersion": f"1.{bad:d}", "pid": int(bad)},
            {"type": "suite", "suite": {"id": 0, "platform": "vm", "path": f"/__w/a/a/test/{cls}.dart"}},
            {"type": "group", "group": {"id": 1, "suiteID": 0, "parentID": None, "testCount": 1}},
            {"type": "testStart", "test": {"id": 2, "name": "a", "suiteID": 0}},
            {"type": "testDone", "testID": 2, "result": "failure" if bad else "success", "hidden": False},
            {"type": "done", "success": not bad},
        )
    )


def cucumber(cls: str, bad: bool) -> str:
    step = {"keyword": "Given ", "name": "s", "result": {"status": "failed" if bad else "passed", "duration": int(bad)}}
    scenario = {"type": "scenario", "keyword": "Scenario", "name": "a", "id": "a", "steps": [step]}
    return json.dumps([{"keyword": "Feature", "name": "F", "uri": f"features/{cls}.feature", "elements": [scenario]}])


def messages(cls: str, bad: bool) -> str:
    envelopes: list[dict[str, Any]] = [
        {"meta": {"protocolVersion": "27.0.0", "implementation": {"name": "cucumber-js", "version": f"1{bad:d}"}}},
        {"pickle": {"id": f"p{bad}", "name": "a", "uri": f"features/{cls}.feature"}},
        {"testCase": {"id": "c", "pickleId": f"p{bad}"}},
        {"testRunStarted": {}},
        {"testCaseStarted": {"id": "s", "testCaseId": "c", "attempt": 0}},
        {"testStepFinished": {"testCaseStartedId": "s", "testStepResult": {"status": "FAILED" if bad else "PASSED"}}},
        {"testCaseFinished": {"testCaseStartedId": "s"}},
        {"testRunFinished": {"success": not bad}},
    ]
    return "\n".join(json.dumps(envelope) for envelope in envelopes)


def playwright(cls: str, bad: bool, *, project: str = "chromium", **config: Any) -> str:
    test: dict[str, Any] = {"projectName": project, "status": "unexpected" if bad else "expected", "results": []}
    suite = {
        "title": cls,
        "file": f"{cls}.spec.ts",
        "specs": [{"title": "a", "file": f"{cls}.spec.ts", "tests": [test]}],
    }
    stats = {"startTime": f"2026-01-0{1 + bad}T00:00:00Z", "expected": int(not bad), "unexpected": int(bad)}
    return json.dumps({"config": {"rootDir": f"/w{bad}", **config}, "suites": [suite], "stats": stats})


WRITERS = [junit, nunit3, nunit2, xunit_net, trx, mocha, mochawesome, dart, cucumber, messages, playwright]


@pytest.mark.parametrize("write", WRITERS)
def test_the_subject_is_the_same_however_the_tests_end(write: Any) -> None:
    green, red = read(write("Shop.Cart", False)), read(write("Shop.Cart", True))
    assert [batch.items[0].result.value for batch in (green, red)] == ["passed", "failed"]
    assert green.subject == red.subject
    assert green.subject.of_tests
    assert green.subject.holds
    assert Subject.of_dict(green.subject.as_dict()) == green.subject
    assert same_check(green.subject, red.subject, named=False)


@pytest.mark.parametrize("write", [write for write in WRITERS if write not in (nunit3, nunit2, xunit_net, trx)])
def test_other_classes_or_files_are_another_check(write: Any) -> None:
    cart, orders = read(write("Cart", False)).subject, read(write("Orders", True)).subject
    assert share(cart, orders) == 0
    assert not same_check(cart, orders, named=False)


@pytest.mark.parametrize(
    ("write", "old", "new"),
    [
        (nunit3, "net8.0", "net9.0"),
        (nunit2, "net48", "net472"),
        (xunit_net, "net8.0", "net9.0"),
        (trx, "net8.0", "net9.0"),
        (dart, '"vm"', '"chrome"'),
        (playwright, "chromium", "firefox"),
        (nunit3, "Shop.dll", "Orders.dll"),
        (xunit_net, "Shop.dll", "Orders.dll"),
        (trx, "shop.dll", "orders.dll"),
    ],
)
def test_the_same_tests_in_another_place_are_another_check(write: Any, old: str, new: str) -> None:
    text = write("Shop.Cart", False)
    assert old in text
    assert not same_check(read(text).subject, read(text.replace(old, new)).subject, named=False)


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (junit, ("Jest", "")),
        (nunit3, ("NUnit", "Shop.dll net8.0")),
        (nunit2, ("NUnit", "Shop.dll net48")),
        (xunit_net, ("xUnit.net", "Shop.dll net8.0")),
        (trx, ("TRX", "shop.dll net8.0")),
        (mocha, ("Mocha", "")),
        (mochawesome, ("mochawesome", "")),
        (dart, ("dart", "")),
        (cucumber, ("Cucumber", "")),
        (messages, ("cucumber-js", "")),
        (playwright, ("Playwright", "")),
    ],
)
def test_tool_and_name(write: Any, told: tuple[str, str]) -> None:
    subject = read(write("Shop.Cart", False)).subject
    assert (subject.tool, subject.name) == told


@given(st.permutations([f"shop.T{number}" for number in range(9)]), st.sets(st.integers(0, 8), max_size=8))
def test_of_junit_neither_order_nor_outcome_matters(classes: list[str], bad: set[int]) -> None:
    cases = "".join(
        f'<testcase classname="{name}" name="a">{"<error/>" if number in bad else ""}</testcase>'
        for number, name in enumerate(classes)
    )
    subject = read(f'<testsuites><testsuite name="s">{cases}</testsuite></testsuites>').subject
    plain = "".join(f'<testcase classname="shop.T{number}" name="a"/>' for number in range(9))
    assert subject == read(f'<testsuites><testsuite name="s">{plain}</testsuite></testsuites>').subject


def test_a_suite_stands_for_cases_without_a_class() -> None:
    inner = '<testsuite name="inner"><testcase name="a"/></testsuite>'
    nested = read(f'<testsuites><testsuite name="outer">{inner}<testcase name="a"/></testsuite></testsuites>').subject
    flat = '<testsuite name="{}"><testcase name="a"/></testsuite>'
    two = read(f"<testsuites>{flat.format('inner')}{flat.format('outer')}</testsuites>").subject
    assert nested.holds == two.holds
    assert len(nested.holds) == 2


def test_the_report_of_a_crash_stands_in_for_the_whole() -> None:
    whole = read(junit("Shop.Cart", False)).subject
    assert stands_in_for(whole, read('<testsuites name="Jest tests"/>').subject)


PROPERTIES = '<properties><property name="{}" value="{}"/><property name="{}" value="{}"/></properties>'


@pytest.mark.parametrize(
    ("properties", "commit", "url"),
    [
        (PROPERTIES.format("git.commit", SHA, "build.url", "https://ci.example/1"), SHA, "https://ci.example/1"),
        (PROPERTIES.format("vcs.revision", SHA.upper(), "commit", SHA[:8]), SHA, ""),
        (PROPERTIES.format("commit", SHA, "git.sha", "f" * 40), "", ""),
        (PROPERTIES.format("commit", "main", "run.url", "javascript:alert(1)"), "", ""),
        (PROPERTIES.format("url", "https://shop.example/", "version", SHA), "", ""),
    ],
)
def test_commit_and_link_of_junit(properties: str, commit: str, url: str) -> None:
    batch = read(junit("Shop.Cart", False, more=properties))
    assert (batch.commit, batch.items[0].url) == (commit, url)


def test_what_a_test_notes_is_not_of_the_run() -> None:
    noted = PROPERTIES.format("commit", SHA, "run.url", "https://ci.example/1")
    batch = read(f'<testsuite><testcase name="a">{noted}</testcase></testsuite>')
    assert (batch.commit, batch.items[0].url) == ("", "")


@pytest.mark.parametrize(
    ("metadata", "commit", "url"),
    [
        (
            {"gitCommit": {"hash": SHA, "shortHash": SHA[:7]}, "ci": {"buildHref": "https://ci.example/1"}},
            SHA,
            "https://ci.example/1",
        ),
        ({"revision.id": SHA, "ci.link": "https://ci.example/2"}, SHA, "https://ci.example/2"),
        ({"revision.id": SHA, "gitCommit": {"hash": "f" * 40}}, "", ""),
        ({"ci": {"buildHref": "file:///etc/passwd"}, "gitCommit": "x"}, "", ""),
    ],
)
def test_commit_and_link_of_playwright(metadata: Any, commit: str, url: str) -> None:
    batch = read(playwright("cart", False, metadata=metadata))
    assert (batch.commit, batch.items[0].url) == (commit, url)


def test_commit_and_link_of_cucumber_messages() -> None:
    ci = '"ci": {"name": "c", "url": "https://ci.example/1", "git": {"revision": "' + SHA + '"}}, "protocolVersion"'
    batch = read(messages("cart", False).replace('"protocolVersion"', ci, 1))
    assert (batch.commit, batch.items[0].url) == (SHA, "https://ci.example/1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (nunit3("A", False).replace('total="1" failed', 'total="7" failed'), "the report declares 7 tests and holds 1"),
        (nunit3("A", False).replace('dll" total="1"', 'dll" total="7"'), "suite /wFalse/bin/Release/net8.0/Shop.dll"),
        (nunit2("A", False).replace('failures="0"', 'failures="1"'), "declares 1 failure that no case shows"),
        (
            xunit_net("A", False).replace('total="1" failed="0" errors', 'total="3" failed="0" errors'),
            "assembly Shop.dll",
        ),
        (xunit_net("A", False).replace('name="c" total="1"', 'name="c" total="2"'), "collection c declares 2 tests"),
        (xunit_net("A", False).replace('errors="0"', 'errors="1"'), "declares 1 failure that no case shows"),
        (trx("A", False).replace('<Counters total="1"', '<Counters total="9"'), "the report declares 9 tests"),
        (trx("A", False).replace('failed="0"', 'failed="2"'), "declares 2 failures that no case shows"),
        (mocha("A", False).replace('"tests": 1', '"tests": 4'), "the report declares 4 tests and holds 1"),
        (mochawesome("A", False).replace('"tests": 1', '"tests": 4'), "the report declares 4 tests and holds 1"),
        (dart("A", False).replace('"testCount": 1', '"testCount": 2'), "declares 2 tests and holds 1"),
        (playwright("A", False).replace('"expected": 1', '"expected": 5'), "the report declares 5 tests and holds 1"),
        (
            messages("A", False).replace('{"testRunS', '{"testCase": {"id": "d", "pickleId": "x"}}\n{"testRunS'),
            "1 of 2 scenarios was never started",
        ),
    ],
)
def test_what_is_declared_and_not_there_is_no_pass(text: str, said: str) -> None:
    (item,) = read(text).items
    assert item.result.value == "inconclusive"
    assert said in item.title
    assert "declared" in item.payload
    assert any(said in shortfall for shortfall in item.payload["shortfalls"])


@pytest.mark.parametrize(
    "text",
    [
        nunit3("A", False).replace('total="1"', 'total="0"'),
        trx("A", False).replace('<Counters total="1"', '<Counters total="4" notExecuted="3"'),
        xunit_net("A", False).replace('total="1"', 'total="3" skipped="1" not-run="1"'),
        playwright("A", False).replace('"expected": 1', '"expected": 0'),
        dart("A", False).replace('"hidden": false', '"skipped": false, "hidden": false'),
    ],
)
def test_less_than_written_and_tests_not_run_are_harmless(text: str) -> None:
    assert read(text).items[0].result.value == "passed"


def test_a_fixture_is_named_with_what_it_said() -> None:
    text = nunit3("A", False).replace(
        "<test-case", '<failure><message>SetUp : no database</message></failure><test-case'
    )  # fmt: skip
    text = text.replace('type="Assembly"', 'type="Assembly" result="Failed"')
    (item,) = read(text).items
    assert item.result.value == "error"
    assert item.payload["problems"] == [
        "/wFalse/bin/Release/net8.0/Shop.dll is marked as failed, though none of its tests failed: SetUp : no database"
    ]


def test_a_time_given_twice_is_told_and_a_status_given_twice_is_refused() -> None:
    text = cucumber("cart", False)
    timed = '"start_timestamp": "2026-01-01T00:00:00Z", "start_timestamp": "2026-01-02T00:00:00Z", "steps"'
    (item,) = read(text.replace('"steps"', timed)).items
    assert item.payload["duplicate_keys"] == ["start_timestamp"]
    assert item.result.value == "passed"
    for key in ("status", "name", "id", "steps", "elements", "result", "uri", "type"):
        at = text.index(f'"{key}"')
        for value in ('"failed"', "[]", '{"status": "failed"}'):
            found = registry.read(Artifact.of_bytes("x", f'{text[:at]}"{key}": {value}, {text[at:]}'.encode()))
            assert isinstance(found, Rejected), (key, value)
            assert f"'{key}' is given twice" in found.reason


def test_formats_that_do_not_say_so_take_no_key_twice() -> None:
    found = registry.read(Artifact.of_bytes("x", b'{"status": "UP",\n"time": 1, "time": 2}'))
    assert isinstance(found, Rejected)
    assert "'time' is given twice" in found.reason
    assert found.line == 2
