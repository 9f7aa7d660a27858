"""REST and GraphQL show the same rows alike: every value that the two share, now and as of then, on both read paths."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from graphql import GraphQLInterfaceType

from app.db.pool import Database
from app.graphql_api.schema import schema
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM, NOUNS, Noun
from app.rest_v3.contract import BASE, document
from tests.rest_v3.conftest import Opened
from tests.rest_v3.faces import PAIRS, TYPES, fields, nodes_query, properties, shared, verdict_query
from tests.rows import START, add, digest, retract, small_world, supersede

EARLY = datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
ODD = {"ünï": '\u2028\x7f "<b>\\', "n": [1.50, -0.0, 10**30, 1e-7, None, True], "": {}, "deep": {"a": [[]]}}

SEVERITIES = ("critical", "high", "medium", "low", "info", "unknown", "suppressed")
FINDINGS = {f"findings_{name}": n for n, name in enumerate(SEVERITIES)}
TESTS = {f"tests_{name}": n + 7 for n, name in enumerate(("total", "passed", "failed", "error", "skipped", "flaky"))}
WORDS = {
    "title": "Zwölf „Tests“ \\ \"done\"\t", "actor": "ada@example.org", "reason": "because; 100% <sure>",
    "producer": "tool 1.2", "artifact_path": "reports/a b/ü.xml",
}  # fmt: skip


STOOD: dict[str, Any] = {"run": "7/2", "job": "unit \u00fc", "mismatched": "commit b, not a", "confirms": True}
SAID = {"subject": "portal \u00fc", "url": "https://ci.example.org/runs/7?a=1&b=2"}


async def every_word(database: Database, noun: Noun, column: str, words: Sequence[str], **fixed: Any) -> None:
    """A row for every word of a vocabulary."""
    for word in words:
        await add(database, noun, **{column: word}, **fixed)


@pytest.fixture
async def rich(database: Database) -> None:
    """Rows of all nouns in which every column has several values, null among them where it may be."""
    vocabularies = {name: made["enum"] for name, made in document()["components"]["schemas"].items() if "enum" in made}
    await small_world(database, bundles=2)
    text = {k: WORDS[k] for k in ("title", "actor", "reason")}
    bundle = await add(
        database, BUNDLE, bundle_key="release/ü b?/100%", kind="uat_package", environment="zürich", profile="hardened",
        product="console", version="", commit_sha="", created_at=EARLY, summary=ODD, **text,
    )  # fmt: skip
    new = await supersede(
        database, BUNDLE, bundle, kind="security_review", created_at=START + timedelta(microseconds=10)
    )
    full = await add(
        database, ITEM, bundle_id=new, payload=ODD, format="sarif", started_at=EARLY, completed_at=START, **WORDS,
        **TESTS, **FINDINGS, **STOOD, **SAID,
    )  # fmt: skip
    await add(database, ITEM, bundle_id=new, late=True)
    newer = await supersede(database, ITEM, full, source_digest=digest("again"), result="error")
    await retract(database, ITEM, newer)
    gate: dict[str, Any] = {
        "bundle_id": new, "gate": "capacity", "result": "failed", "enforcement": "warning", "summary": "p95 2 s",
        "waived": True, "actor": "ada", "reason": "agreed", "expires_at": START + timedelta(days=1, microseconds=1),
        "policy_digest": digest("policy"), "item_ids": [newer, full], "details": ODD, "evaluated_at": EARLY,
        **STOOD, **SAID,
    }  # fmt: skip
    await add(database, GATE, **gate)
    await add(database, GATE, **gate, late=True)
    await supersede(database, GATE, await add(database, GATE, **gate), result="passed")
    invariant: dict[str, Any] = {
        "bundle_id": new, "invariant_id": "PI-APP-007", "area": None, "title": WORDS["title"], "result": "warned",
        "evidence_item_id": full, "details": ODD, "evaluated_at": START + timedelta(milliseconds=100), "actor": "ada",
        "reason": "so", **STOOD,
    }  # fmt: skip
    await add(database, INVARIANT, **invariant)
    await add(database, INVARIANT, **invariant, late=True)
    replaced = await supersede(database, INVARIANT, await add(database, INVARIANT, **invariant), area="connect")
    await retract(database, INVARIANT, replaced)
    await supersede(database, INVARIANT, await add(database, INVARIANT, **invariant), area="release")
    guard = await add(
        database, GUARD, bundle_id=new, evidence_item_id=full, guard="kyverno", mode="report_only", result="warned",
        artifact_path="guard.json", generated_at=START, summary=ODD, actor="ada", reason="so", **FINDINGS, **STOOD,
        **SAID,
    )  # fmt: skip
    await retract(database, GUARD, await supersede(database, GUARD, guard))
    await add(database, GUARD, guard="platform", late=True, generated_at=None, **dict.fromkeys(FINDINGS, None))
    snapshot = await add(
        database, COMPONENT, environment="zürich", component="ü/api", status="major_outage", message="down",
        observed_at=EARLY, source_key="probe", source_digest=digest("probe"), details=ODD, actor="ada", reason="so",
        cause="alertmanager:1", url=SAID["url"],
    )  # fmt: skip
    await retract(database, COMPONENT, await supersede(database, COMPONENT, snapshot))
    await retract(database, BUNDLE, await add(database, BUNDLE, bundle_key="withdrawn"))
    await every_word(database, BUNDLE, "kind", vocabularies["BundleKind"])
    await every_word(database, ITEM, "evidence_type", vocabularies["EvidenceType"], bundle_id=new)
    for noun in (ITEM, GATE, INVARIANT, GUARD):
        await every_word(database, noun, "result", vocabularies["Result"], bundle_id=new)
    await every_word(database, GATE, "gate", vocabularies["Gate"], bundle_id=new)
    await every_word(database, GATE, "enforcement", vocabularies["Enforcement"], bundle_id=new)
    await every_word(database, GUARD, "mode", vocabularies["Enforcement"], bundle_id=new)
    await every_word(database, INVARIANT, "area", vocabularies["InvariantArea"], bundle_id=new)
    await every_word(database, COMPONENT, "status", vocabularies["ComponentState"])


CONSTANT = {
    "V3PlatformReleaseGateResult": {"retracted", "superseded", "late"},
    "V3PlatformProductInvariantResult": {"retracted", "superseded", "late"},
}
"""Always false: REST shows the gate and invariant results of a bundle that are current, and no others."""


def exact(response: httpx.Response) -> Any:
    """JSON with every number as it was written."""
    return json.loads(response.content, parse_float=lambda text: f"#{text}", parse_int=lambda text: f"#{text}")


@pytest.fixture
async def http(dsn: str, opened: Opened, rich: None) -> AsyncIterator[httpx.AsyncClient]:
    """The app over rich rows."""
    async with opened(dsn) as made:
        yield made


async def ask(http: httpx.AsyncClient, path: str, query: str, **variables: Any) -> Any:
    """The data of a GraphQL answer: POST goes by a plan where there is one, GET by the resolvers."""
    if path == "plan":
        response = await http.post("/graphql", json={"query": query, "variables": variables})
    else:
        response = await http.get("/graphql", params={"query": query, "variables": json.dumps(variables)})
    body = exact(response)
    assert "errors" not in body, body["errors"]
    return body["data"]


def test_the_faces_show_the_same_fields_with_the_same_nulls_and_words() -> None:
    evidence = schema._schema.type_map["Evidence"]
    assert isinstance(evidence, GraphQLInterfaceType)
    shown = {made.name for made in schema._schema.get_possible_types(evidence)}
    assert shown == set(TYPES.values()), "give the new type a REST schema, and name the pair in TYPES"
    assert len(TYPES) == len(NOUNS)
    for rest, pair in PAIRS.items():
        for value in shared(rest):
            assert len(set(value.nullable)) == 1, f"{rest}.{value.name} may be null on one face alone"
            mine, theirs = value.words
            assert mine == theirs, f"{rest}.{value.name} has other words in {pair}"


def test_every_schema_of_rows_has_its_pair() -> None:
    lone = {
        name
        for name in document()["components"]["schemas"]
        if name.startswith("V3Platform") and not name.endswith("Page") and name not in PAIRS
    }
    composed = {"V3PlatformEvidenceBundle", "V3PlatformStatusReadinessResponse", "V3PlatformEnvironmentStatusList"}
    assert lone == composed, "pair it in TYPES, VERDICTS or HEALTH, or say here what it is composed of"
    assert properties("V3PlatformEnvironmentStatusList").keys() == {"data"}
    answer = properties("V3PlatformStatusReadinessResponse")
    assert answer.keys() - LISTED.keys() == {"verdict", "truncated"}
    for name, rest in LISTED.items():
        assert (answer | properties("V3PlatformEvidenceBundle"))[name]["items"]["$ref"].endswith(f"/{rest}")
    whole = properties("V3PlatformEvidenceBundle")
    lists = {"items", "gateResults", "invariantResults", "truncated"}
    assert whole.keys() - lists == properties("V3PlatformEvidenceBundleSummary").keys()
    for name, spec in properties("V3PlatformEvidenceBundleSummary").items():
        assert whole[name] == spec, name


LISTED = {
    "items": "V3PlatformEvidenceItem",
    "gateResults": "V3PlatformReleaseGateResult",
    "invariantResults": "V3PlatformProductInvariantResult",
    "componentStatus": "V3PlatformComponentStatus",
    "guardSummaries": "V3PlatformGuardReportSummary",
}
"""Which rows a list inside an answer holds."""


async def pages(http: httpx.AsyncClient, path: str, **params: Any) -> list[dict[str, Any]]:
    """All rows of a REST list."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = exact(await http.get(f"{BASE}{path}", params={"limit": "500", **params, **cursor}))
        found += page["data"]
        if page["nextCursor"] is None:
            return found
        cursor = {"cursor": page["nextCursor"]}


async def shown_by_rest(http: httpx.AsyncClient, as_of: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Every row on every REST path, with its schema."""
    history = {"includeSuperseded": "true", **as_of}
    shown: list[tuple[str, dict[str, Any]]] = []
    bundles = await pages(http, "/evidence/bundles", **history)
    shown += (("V3PlatformEvidenceBundleSummary", row) for row in bundles)
    for bundle in bundles:
        path = f"/evidence/bundles/{bundle['id']}"
        whole = exact(await http.get(f"{BASE}{path}", params=as_of))
        for name in ("items", "gateResults", "invariantResults"):
            shown += ((LISTED[name], row) for row in whole.pop(name))
        assert whole.pop("truncated") == []
        shown.append(("V3PlatformEvidenceBundleSummary", whole))
        items = await pages(http, f"{path}/items", **history)
        shown += (("V3PlatformEvidenceItem", row) for row in items)
        for item in items:
            one = exact(await http.get(f"{BASE}/evidence/items/{item['id']}", params=as_of))
            shown.append(("V3PlatformEvidenceItem", one))
    for params in ({"latest": "true"}, {"latest": "false"}, {"latest": "false", "includeSuperseded": "true"}):
        shown += (
            ("V3PlatformComponentStatus", row) for row in await pages(http, "/status/components", **params, **as_of)
        )
    shown += (("V3PlatformGuardReportSummary", row) for row in await pages(http, "/guards/reports", **history))
    for environment in ("staging", "zürich"):
        answer = exact(await http.get(f"{BASE}/status/readiness", params={"environment": environment, **as_of}))
        for name in answer.keys() - {"verdict", "truncated"}:
            shown += ((LISTED[name], row) for row in answer[name])
    return shown


async def moments(database: Database) -> list[datetime]:
    """All times at which something was recorded."""
    tables = " UNION ".join(f"SELECT recorded_at FROM {noun.table}" for noun in NOUNS)
    return [row["recorded_at"] for row in await database.fetch(f"{tables} ORDER BY 1")]


@pytest.fixture(params=["plan", "resolvers"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The read path of both faces: by plan where there is one, or by the reference reads."""
    chosen: str = request.param

    async def no_plan(*_: object) -> None:
        return None

    if chosen == "resolvers":
        monkeypatch.setattr("app.rest_v3.plans.Planned.read", no_plan)
    return chosen


async def test_every_shared_value_is_the_same(http: httpx.AsyncClient, database: Database, path: str) -> None:
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    known = await moments(database)
    for moment in [None, *known[3 :: len(known) // 6]]:
        as_of = {} if moment is None else {"asOf": moment.isoformat()}
        shown = await shown_by_rest(http, as_of)
        ids = list(dict.fromkeys(row["id"] for _, row in shown))
        nodes: dict[str, Any] = {}
        for start in range(0, len(ids), 100):
            some = ids[start : start + 100]
            answered = await ask(http, path, nodes_query(), ids=some, asOf=as_of.get("asOf"))
            nodes |= zip(some, answered["nodes"], strict=True)
        for rest, row in shown:
            node = nodes[row["id"]]
            assert node["__typename"] == TYPES[rest]
            plain = {key.removeprefix(f"{TYPES[rest]}_"): value for key, value in node.items()}
            assert row.keys() == properties(rest).keys()
            for value in shared(rest):
                assert row[value.name] == value.of_node(plain), (rest, row["id"], value.name, moment)
                values[rest, value.name].add(json.dumps(row[value.name]))
    for rest in TYPES:
        for name in properties(rest):
            if name in CONSTANT.get(rest, ()):
                continue
            assert len(values[rest, name]) > 1, (
                f"{rest}.{name} had one value in all rows: this test proves nothing of it"
            )


LISTS = [
    ("/evidence/bundles", {}, "bundles"),
    ("/evidence/bundles", {"includeSuperseded": "true"}, "bundles(includeSuperseded: true)"),
    ("/evidence/bundles", {"kind": "uat_package"}, "bundles(filter: {kind: {eq: UAT_PACKAGE}})"),
    ("/evidence/bundles", {"environment": "staging"}, 'bundles(filter: {environment: {eq: "staging"}})'),
    ("/status/components", {}, "componentStatuses"),
    ("/status/components", {"status": "partial_outage"}, "componentStatuses(filter: {status: {eq: PARTIAL_OUTAGE}})"),
    (
        "/status/components",
        {"latest": "false"},
        "componentStatuses(latest: false, orderBy: {field: OBSERVED_AT, direction: DESC})",
    ),
    ("/guards/reports", {}, "guardReports"),
    ("/guards/reports", {"mode": "report_only"}, "guardReports(filter: {mode: {eq: REPORT_ONLY}})"),
    ("/guards/reports", {"includeSuperseded": "true"}, "guardReports(includeSuperseded: true)"),
]


@pytest.mark.parametrize(("rest", "params", "root"), LISTS)
async def test_lists_have_the_same_rows_in_the_same_order(
    http: httpx.AsyncClient, path: str, rest: str, params: dict[str, str], root: str
) -> None:
    page = exact(await http.get(f"{BASE}{rest}", params={"limit": "500", **params}))
    name, bracket, rest_of = root.partition("(")
    query = f"{{ {name}(first: 500{', ' + rest_of if bracket else ')'} {{ nodes {{ id }} totalCount }} }}"
    answered = (await ask(http, path, query))[name]
    assert [row["id"] for row in page["data"]] == [node["id"] for node in answered["nodes"]]
    assert answered["totalCount"] == f"#{len(page['data'])}"
    assert page["data"], "an empty list proves nothing"


async def test_a_bundle_has_the_same_rows_in_the_same_order(
    http: httpx.AsyncClient, database: Database, path: str
) -> None:
    query = """query($key: String, $asOf: DateTime) { bundle(key: $key, asOf: $asOf) {
        items(first: 500) { nodes { id } } gates(first: 500) { nodes { id } }
        invariants(first: 500) { nodes { id } } } }"""
    for moment in [None, *(await moments(database))[::9]]:
        as_of = {} if moment is None else {"asOf": moment.isoformat()}
        for row in await pages(http, "/evidence/bundles", includeSuperseded="true", **as_of):
            whole = exact(await http.get(f"{BASE}/evidence/bundles/{row['id']}", params=as_of))
            by_id = query.replace("$key: String", "$key: ID").replace("key: $key", "id: $key")
            bundle = (await ask(http, path, by_id, key=row["id"], **as_of))["bundle"]
            for mine, theirs in (("items", "items"), ("gateResults", "gates"), ("invariantResults", "invariants")):
                assert [r["id"] for r in whole[mine]] == [n["id"] for n in bundle[theirs]["nodes"]]
            page = await pages(http, f"/evidence/bundles/{row['id']}/items", **as_of)
            assert page == whole["items"]


QUESTIONS = [
    {"environment": "staging"},
    {"environment": "production", "profile": "standard"},
    {"environment": "zürich", "product": "console"},
    {"environment": "nowhere"},
    {"bundle": "release/portal/1.0.0"},
    {"bundle": "release/ü b?/100%"},
]


async def test_verdicts_are_the_same(http: httpx.AsyncClient, database: Database, path: str) -> None:
    known = await moments(database)
    severities, proofs = set(), 0
    for moment in (known[0], known[len(known) // 2], known[-1]):
        for question in QUESTIONS:
            asked = {**question, "asOf": moment.isoformat()}
            answer = await http.get(f"{BASE}/status/readiness", params=asked)
            if answer.status_code == 404:
                assert "bundle" in question
                continue
            verdict = exact(answer)["verdict"]
            theirs = (await ask(http, path, verdict_query(), **asked))["readiness"]
            for value in shared("V3PlatformReadinessVerdict"):
                assert verdict[value.name] == value.of_node(theirs), (question, moment, value.name)
            severities |= {reason["severity"] for reason in verdict["reasons"]}
            proofs += len(verdict["proofs"])
    assert len(severities) > 1
    assert proofs > 0, "verdicts without a proof prove little of proofs"


async def test_fields_of_the_counts_are_the_same() -> None:
    for rest, graphql in (("TestCounts", "TestCounts"), ("FindingCounts", "FindingCounts")):
        assert list(properties(rest)) == list(fields(graphql))
