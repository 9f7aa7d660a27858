"""GitLab's REST API and webhooks: pipelines, jobs, deployments, test reports; see `gitlab_reviews` for the rest.

A status becomes a result as `gitlab_states` says; a job that failed and was allowed to is a warning. A pipeline keeps
GitLab's own verdict, unless a job of the same document contradicts it. Of a list of pipelines the newest of each ref
counts, of deployments the newest of each environment; the worst of these is the item's result. A deployment's
approvals become gate results. A test report's cases are counted and may prove invariants.

Webhook events and API objects that state no result (pushes, branches, notes, rules of approval) are recognised and
refused, so that whoever drops a folder of them reads why. No client library is wanted: nothing is fetched here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from app.domain.checks import subject_of
from app.domain.evidence import EvidenceType, Result, TestCounts, worst_result
from app.importers import gitlab_reviews
from app.importers.base import Artifact, GateResult, ImportBatch, Item, Probe, Reject, Rejected, clip
from app.importers.documents import as_count, as_dict, as_list, as_text, read_json
from app.importers.figures import count, number, tally
from app.importers.gitlab_kinds import kind_of
from app.importers.gitlab_states import OF_A_COMMIT, Jobs, commit_of, name_of, page_of, person, project_of, result_of
from app.importers.moments import moment
from app.importers.runs import Run, numbers

FORMAT = "gitlab-api"

_TEST_COUNTS = ("total_count", "success_count", "failed_count", "skipped_count", "error_count")
_CASE_RESULTS = {
    "success": Result.PASSED,
    "failed": Result.FAILED,
    "error": Result.ERROR,
    "skipped": Result.SKIPPED,
}
_NO_RESULT = {
    "branch": "a branch states no result",
    "commit": "the commit has no status; no pipeline ran for it",
    "approval-rules": "rules of approval say who must approve, not who did; use the merge request's approvals",
}


def detect(probe: Probe) -> bool:
    """A webhook event, or an object or list of the REST API, by its keys."""
    return probe.kind == "json" and kind_of(probe.document) != ""


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """What the document states, or why it states nothing."""
    document = read_json(artifact)
    kind = kind_of(document)
    if kind in _NO_RESULT and (kind != "commit" or isinstance(document, list)):
        raise Reject(f"GitLab: {_NO_RESULT[kind]}")
    if kind.startswith("event-"):
        raise Reject(f"GitLab: a {clip(kind[6:], 40)} event states no result")
    if not kind:
        raise Reject("neither a GitLab webhook event nor an object of its API")
    if kind == "test-report":
        return _test_report(document)
    items: tuple[Item, ...]
    gates: tuple[GateResult, ...] = ()
    if kind in ("approvals", "approval-state"):
        read = gitlab_reviews.approvals if kind == "approvals" else gitlab_reviews.approval_state
        item, gate = read(document)
        items, gates = (item,), (gate,)
    elif kind == "merge-request-event":
        item, found = gitlab_reviews.merge_event(document)
        items, gates = (item,), (found,) if found is not None else ()
    elif kind in ("deployment", "deployments"):
        items, gates = _deployments([document] if isinstance(document, dict) else document)
    elif kind in ("merge-train", "merge-trains"):
        items = (gitlab_reviews.merge_trains([document] if isinstance(document, dict) else document),)
    elif kind == "releases":
        items = gitlab_reviews.releases(document)
    else:
        items = (_READERS[kind](document),)
    page = page_of(document)
    return ImportBatch(
        FORMAT,
        kind,
        items=tuple(replace(item, url=item.url or page) for item in items),
        gates=tuple(replace(gate, url=gate.url or page) for gate in gates),
        subject=subject_of(
            f"GitLab {kind}", project_of(document) if isinstance(document, dict) else "", name_of(document)
        ),
        commit=commit_of(document) if kind in OF_A_COMMIT else "",
    )


def _ci(title: str, result: Result, payload: dict[str, Any], started: Any = None, completed: Any = None) -> Item:
    return Item(
        evidence_type=EvidenceType.CI,
        title=clip(title, 300),
        result=result,
        producer="GitLab CI",
        started_at=moment(started),
        completed_at=moment(completed),
        payload=payload,
    )


def _facts(**facts: Any) -> dict[str, Any]:
    """Short texts and numbers that are there."""
    told = {key: clip(as_text(value), 200) if not isinstance(value, float) else value for key, value in facts.items()}
    return {key: value for key, value in told.items() if value not in ("", None)}


def _pipeline_event(document: dict[str, Any]) -> Item:
    told = as_dict(document.get("object_attributes"))
    jobs = Jobs()
    for build in as_list(document.get("builds")):
        if isinstance(build, dict):
            jobs.add(build)
    return _pipeline(told, jobs, project_of(document))


def _pipeline_object(document: dict[str, Any]) -> Item:
    return _pipeline(document, Jobs(), "")


def _pipeline(told: dict[str, Any], jobs: Jobs, project: str) -> Item:
    status = as_text(told.get("status"))
    result = result_of(status)
    detailed = told.get("detailed_status")
    words = as_text(as_dict(detailed).get("text")) if isinstance(detailed, dict) else as_text(detailed)
    payload = _facts(
        ref=told.get("ref"),
        sha=told.get("sha"),
        source=told.get("source"),
        status=status,
        detailed_status=words,
        duration_s=number(told.get("duration")),
        coverage=told.get("coverage"),
    )
    if jobs.all():
        payload |= jobs.payload()
        if result is Result.PASSED and jobs.result() in (Result.FAILED, Result.ERROR):
            result = Result.INCONCLUSIVE
            payload["note"] = "the pipeline is said to have passed, while a job that may not fail did not pass"
        elif result is Result.PASSED and jobs.result() is Result.WARNED:
            result = Result.WARNED
    if result is Result.PASSED and "warning" in words.lower():
        result = Result.WARNED
    where = f" on {as_text(told.get('ref'))}" if as_text(told.get("ref")) else ""
    title = f"Pipeline {as_text(told.get('id'))}{where}{' of ' + project if project else ''}: {words or status}"
    started = told.get("started_at") or told.get("created_at")
    return _ci(title, result, payload, started, told.get("finished_at") or _ended(told, result))


def _ended(told: dict[str, Any], result: Result) -> Any:
    return None if result is Result.PENDING else told.get("updated_at")


def _pipelines(entries: list[dict[str, Any]]) -> Item:
    newest = _newest(entries, lambda entry: as_text(entry.get("ref")))
    states = Counter(as_text(entry.get("status")) for entry in entries)
    refs = [{"ref": clip(as_text(e.get("ref")), 200), "status": clip(as_text(e.get("status")), 40)} for e in newest]
    result = worst_result([result_of(entry.get("status")) for entry in newest])
    payload = {"pipelines": len(entries), "by_status": tally(states), "newest": refs[:50]}
    return _ci(f"Pipelines of {len(newest)} refs: {result.value}", result, payload)


def _newest(entries: Iterable[dict[str, Any]], key: Callable[[dict[str, Any]], str]) -> list[dict[str, Any]]:
    """The entry with the highest id of each key."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        known = found.get(key(entry))
        if known is None or (count(entry.get("id")) or 0) > (count(known.get("id")) or 0):
            found[key(entry)] = entry
    return list(found.values())


def _job_event(document: dict[str, Any]) -> Item:
    told = {key[6:]: value for key, value in document.items() if key.startswith("build_")}
    return _job(told | {"ref": document.get("ref"), "sha": document.get("sha")}, project_of(document))


def _job_object(document: dict[str, Any]) -> Item:
    return _job(document, "")


def _job(told: dict[str, Any], project: str) -> Item:
    status = as_text(told.get("status"))
    result = result_of(status, told.get("allow_failure"))
    failed = result in (Result.FAILED, Result.WARNED, Result.ERROR)
    payload = _facts(
        ref=told.get("ref"),
        sha=told.get("sha") or as_dict(told.get("commit")).get("id"),
        stage=told.get("stage"),
        status=status,
        duration_s=number(told.get("duration")),
        failure_reason=told.get("failure_reason") if failed else None,
    )
    payload["allow_failure"] = told.get("allow_failure") is True
    where = f" of {project}" if project else ""
    title = f"Job {as_text(told.get('name'))}{where}: {status or 'no status'}"
    return _ci(title, result, payload, told.get("started_at"), told.get("finished_at"))


def _jobs(entries: list[dict[str, Any]]) -> Item:
    jobs = Jobs()
    for entry in entries:
        jobs.add(entry)
    known = jobs.all()
    passed = sum(result_of(job.get("status")) is Result.PASSED for job in known)
    started = [at for job in known if (at := moment(job.get("started_at")))]
    ended = [at for job in known if (at := moment(job.get("finished_at")))]
    return Item(
        evidence_type=EvidenceType.CI,
        title=f"Jobs: {passed} of {len(known)} passed",
        result=jobs.result(),
        producer="GitLab CI",
        started_at=min(started, default=None),
        completed_at=max(ended, default=None),
        payload=jobs.payload(),
    )


def _commit(document: dict[str, Any]) -> Item:
    status = as_text(document.get("status"))
    if not status:
        raise Reject(f"GitLab: {_NO_RESULT['commit']}")
    last = as_dict(document.get("last_pipeline"))
    payload = _facts(sha=document.get("id"), status=status, last_pipeline_status=last.get("status"))
    title = f"Commit {as_text(document.get('short_id'))} ({as_text(document.get('title'))}): pipeline {status}"
    return _ci(title, result_of(status), payload)


def _environment(told: dict[str, Any]) -> str:
    environment = told.get("environment")
    return clip(as_text(environment) or as_text(as_dict(environment).get("name")), 120)


def _deployments(entries: list[dict[str, Any]]) -> tuple[tuple[Item, ...], tuple[GateResult, ...]]:
    newest = _newest(entries, _environment)
    states = Counter(as_text(entry.get("status")) for entry in entries)
    gates = []
    for told in newest:
        found = _deployment_approvals(told, _environment(told) if len(newest) > 1 else "")
        if found is not None:
            gates.append(found)
    result = worst_result([result_of(told.get("status")) for told in newest])
    if len(newest) > 1:
        payload: dict[str, Any] = {
            "deployments": len(entries),
            "by_status": tally(states),
            "environments": {_environment(told): clip(as_text(told.get("status")), 40) for told in newest[:50]},
        }
        return (_ci(f"Deployments to {len(newest)} environments: {result.value}", result, payload),), tuple(gates)
    told = newest[0]
    environment = _environment(told) or "(unnamed)"
    payload = _facts(
        environment=environment,
        status=told.get("status"),
        ref=told.get("ref"),
        sha=told.get("sha") or told.get("short_sha"),
        user=person(told.get("user")),
    )
    if len(entries) > 1:
        payload |= {"deployments": len(entries), "by_status": tally(states)}
    project = project_of(told)
    what = f" of {as_text(told.get('ref'))}" if as_text(told.get("ref")) else ""
    where = f" ({project})" if project else ""
    title = f"Deployment{what} to {environment}{where}: {as_text(told.get('status')) or 'no status'}"
    deployable = as_dict(told.get("deployable"))
    ended = told.get("finished_at") or deployable.get("finished_at") or told.get("status_changed_at")
    ended = ended or _ended(told, result)
    item = _ci(title, result, payload, told.get("started_at") or told.get("created_at"), ended)
    return (item,), tuple(gates)


def _deployment_approvals(told: dict[str, Any], key: str) -> GateResult | None:
    """The approvals of a deployment to a protected environment, where there are any or some are awaited."""
    given = [as_dict(entry) for entry in as_list(told.get("approvals"))]
    waiting = as_count(told.get("pending_approval_count")) or 0
    if not given and not waiting:
        return None
    states = [clip(as_text(entry.get("status")).lower(), 40) for entry in given]
    if "rejected" in states:
        result, reason = Result.FAILED, "rejected"
    elif waiting or any(state != "approved" for state in states):
        result, reason = Result.PENDING, f"approvals still awaited: {waiting}"
    else:
        result, reason = Result.PASSED, ""
    actors = [person(entry.get("user")) for entry in given]
    times = [at for entry in given if (at := moment(entry.get("created_at")))]
    details = {"states": states[:50], "pending_approval_count": waiting, "approved_by": actors[:50]}
    subject = f"the deployment to {_environment(told) or '(unnamed)'}"
    _item, gate = gitlab_reviews.approval(
        subject, result, reason, actors[:10], max(times, default=None), details, f"deployment/{key}" if key else ""
    )
    return gate


def _test_report(document: dict[str, Any]) -> ImportBatch:
    """`test_report`, whose cases are counted, or `test_report_summary`, which only has totals."""
    if "total_count" not in document:
        return _test_summary(document)
    run = Run("test-report", "GitLab", name="Pipeline tests")
    run.declared = numbers(document, _TEST_COUNTS)
    run.declared_total = run.declared.get("total_count")
    run.declared_bad = run.declared.get("failed_count", 0) + run.declared.get("error_count", 0)
    for entry in as_list(document.get("test_suites")):
        suite = as_dict(entry)
        name = as_text(suite.get("name"))
        if as_text(suite.get("suite_error")):
            run.problem(f"{name}: {as_text(suite.get('suite_error'))}")
        for case in as_list(suite.get("test_cases")):
            told = as_dict(case)
            status = as_text(told.get("status")).lower()
            run.add(
                as_text(told.get("name")),
                _CASE_RESULTS.get(status, Result.INCONCLUSIVE),
                status,
                suite=as_text(told.get("classname")) or name,
                message=_output(told),
            )
    return run.batch(FORMAT, EvidenceType.CI)


def _output(case: dict[str, Any]) -> str:
    """A case's output is text, a list of lines, or an object, by the version."""
    output = case.get("system_output")
    if isinstance(output, list):
        output = "\n".join(as_text(line) for line in output[:50])
    if isinstance(output, dict):
        output = as_text(output.get("message")) or as_text(output.get("content"))
    return as_text(output) or as_text(case.get("stack_trace"))


def _test_summary(document: dict[str, Any]) -> ImportBatch:
    total = as_dict(document.get("total"))
    names = ("success", "failed", "error", "skipped")
    found = [as_count(total.get(name)) for name in names]
    passed, failed, error, skipped = (value or 0 for value in found)
    if None in found:
        raise Reject("the summary of the test report has no readable totals")
    counts = TestCounts(passed + failed + error + skipped, passed, failed, error, skipped)
    results = [counts.result()]
    payload: dict[str, Any] = {"source": "totals; the summary lists no cases"}
    if as_text(total.get("suite_error")):
        results.append(Result.ERROR)
        payload["problems"] = [clip(as_text(total.get("suite_error")))]
    title = f"Pipeline tests: {passed} passed, {failed + error} failed of {counts.total}"
    item = Item(EvidenceType.CI, title, worst_result(results), "GitLab", tests=counts, payload=payload)
    return ImportBatch(FORMAT, "test-report-summary", items=(item,))


_READERS: dict[str, Callable[[Any], Item]] = {
    "pipeline-event": _pipeline_event,
    "pipeline": _pipeline_object,
    "pipelines": _pipelines,
    "job-event": _job_event,
    "job": _job_object,
    "jobs": _jobs,
    "commit": _commit,
    "merge-request": gitlab_reviews.merge_request,
    "merge-requests": gitlab_reviews.merge_requests,
    "release": gitlab_reviews.release,
}
