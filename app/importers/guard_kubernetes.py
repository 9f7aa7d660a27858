"""Checks of clusters and manifests with reports of their own: kube-bench, kube-linter, KubeArmor's alerts.

kube-bench: FAIL failed, WARN (to be checked by hand) warned, INFO (skipped on purpose) suppressed, PASS passed; its
exit code does not depend on them unless told so: report_only. kube-linter exits non-zero on a report: blocking.
KubeArmor: an alert is a policy that was violated; blocked (blocking) it counts as failed, audited (report_only) it
warns; its severities run from 1 to 10 and are read as scores.
"""

from __future__ import annotations

from typing import Any

from app.domain.evidence import Result
from app.domain.gates import Enforcement
from app.importers.base import Reject, clip
from app.importers.documents import as_count, as_dict, as_list, as_text
from app.importers.findings import severity_of_score
from app.importers.guard_report import Draft, declared, producer
from app.importers.moments import moment

KUBE_BENCH, KUBE_LINTER, KUBEARMOR = "kube-bench", "kube-linter", "kubearmor"


def dialect_of(documents: list[Any]) -> str:
    """Which of the tools wrote it, or ""."""
    first = documents[0] if documents else None
    if len(documents) == 1 and _controls(first):
        return KUBE_BENCH
    if len(documents) == 1 and isinstance(first, dict) and _is_lint(first):
        return KUBE_LINTER
    alerts = as_list(first) if len(documents) == 1 and isinstance(first, list) else documents
    return KUBEARMOR if alerts and all(_is_alert(alert) for alert in alerts) else ""


def read(documents: list[Any]) -> list[Draft]:
    """The drafts of the tool that wrote it."""
    dialect = dialect_of(documents)
    if dialect == KUBE_BENCH:
        return [_kube_bench(documents[0])]
    if dialect == KUBE_LINTER:
        return [_kube_linter(documents[0])]
    return _kubearmor(as_list(documents[0]) or documents)


def _controls(value: Any) -> list[dict[str, Any]]:
    """The controls of a kube-bench report: a list, an object with Controls, or one control."""
    known = as_dict(value)
    controls = as_list(known.get("Controls")) or ([known] if "tests" in known else as_list(value))
    return controls if controls and all(_is_control(control) for control in controls) else []


def _is_control(value: Any) -> bool:
    known = as_dict(value)
    return isinstance(known.get("tests"), list) and "node_type" in known and "text" in known


def _is_lint(value: dict[str, Any]) -> bool:
    summary = as_dict(value.get("Summary"))
    if "ChecksStatus" in summary or ("Reports" in value and isinstance(value.get("Checks"), list)):
        return True
    reports = as_list(value.get("Reports"))  # without its summary it has nothing else
    return bool(reports) and all({"Diagnostic", "Check", "Object"} <= set(as_dict(each)) for each in reports)


def _is_alert(value: Any) -> bool:
    known = as_dict(value)
    return "PolicyName" in known and "Action" in known and ("Operation" in known or "ClusterName" in known)


def _kube_bench(report: Any) -> Draft:
    controls = _controls(report)
    versions = {as_text(control.get("version")) or as_text(control.get("detected_version")) for control in controls}
    draft = Draft(guard="kube-bench", mode=Enforcement.REPORT_ONLY, producer="kube-bench")
    draft.facts = {
        "controls": [clip(f"{as_text(c.get('id'))} {as_text(c.get('text'))}", 120) for c in controls[:20]],
        "benchmarks": sorted(clip(version, 40) for version in versions if version)[:20],
    }
    for control in controls:
        for section in as_list(control.get("tests")):
            results = as_dict(section).get("results")
            if not isinstance(results, list):
                raise Reject(f"section {clip(as_text(as_dict(section).get('section')), 40)} has no list of results")
            for result in results:
                _bench_result(as_dict(result), as_text(control.get("node_type")), draft)
    totals = as_dict(as_dict(report).get("Totals"))
    names = {"passed": "total_pass", "failed": "total_fail", "warned": "total_warn", "skipped": "total_info"}
    draft.facts |= declared(draft.checks, {told: as_count(totals.get(name)) for told, name in names.items()})
    return draft


def _bench_result(result: dict[str, Any], node_type: str, draft: Draft) -> None:
    finding = {
        "id": as_text(result.get("test_number")),
        "title": as_text(result.get("test_desc")),
        "location": node_type,
        "reason": as_text(result.get("reason")),
    }
    status = as_text(result.get("status"))
    if status == "PASS":
        draft.passed()
    elif status == "INFO":
        draft.skipped()
    elif status == "WARN":
        draft.warned(**finding)
    elif status == "FAIL":
        draft.failed(**finding)
    else:
        draft.error(**finding)


def _kube_linter(report: dict[str, Any]) -> Draft:
    summary = as_dict(report.get("Summary"))
    status = as_text(summary.get("ChecksStatus"))
    reports = report.get("Reports")
    if not isinstance(reports, list) and not (reports is None and status == "Passed" and "Reports" in report):
        raise Reject("the list of reports is missing")
    draft = Draft(
        guard="kube-linter",
        mode=Enforcement.BLOCKING,
        producer=producer("kube-linter", summary.get("KubeLinterVersion")),
        generated_at=moment(summary.get("CheckEndTime")),
    )
    for entry in as_list(reports):
        known = as_dict(entry)
        subject = as_dict(known.get("Object"))
        kube = as_dict(subject.get("K8sObject"))
        kind = as_text(as_dict(kube.get("GroupVersionKind")).get("Kind"))
        draft.failed(
            id=as_text(known.get("Check")),
            title=as_text(as_dict(known.get("Diagnostic")).get("Message")),
            location=as_text(as_dict(subject.get("Metadata")).get("FilePath")),
            resource="/".join(filter(None, (as_text(kube.get("Namespace")), kind, as_text(kube.get("Name"))))),
        )
    draft.facts = {"checks_defined": len(as_list(report.get("Checks")))}
    if status == "Failed" or draft.checks["failed"]:
        draft.result = Result.FAILED
    else:
        draft.result = Result.PASSED if status == "Passed" else Result.INCONCLUSIVE
    passed = f"passed its {draft.facts['checks_defined']} checks"
    draft.title = (
        f"kube-linter: {draft.checks['failed']} failed" if draft.checks["failed"] else f"kube-linter: {passed}"
    )
    return draft


def _kubearmor(alerts: list[dict[str, Any]]) -> list[Draft]:
    """A draft for each policy that was violated."""
    drafts: dict[str, Draft] = {}
    for alert in alerts:
        policy = clip(as_text(alert.get("PolicyName")), 120) or "unnamed"
        draft = drafts.setdefault(
            policy, Draft(f"kubearmor/{policy}", Enforcement.REPORT_ONLY, producer="kubearmor", key=policy)
        )
        at = moment(alert.get("UpdatedTime")) or moment(alert.get("Timestamp"))
        draft.generated_at = max((time for time in (at, draft.generated_at) if time), default=None)
        blocked = as_text(alert.get("Action")).strip().lower() == "block"
        if blocked:
            draft.mode = Enforcement.BLOCKING
        score = as_count(alert.get("Severity"))
        place = (as_text(alert.get(key)) for key in ("NamespaceName", "PodName", "ContainerName"))
        (draft.failed if blocked else draft.warned)(
            severity_of_score(score) if score else None,
            id=policy,
            title=as_text(alert.get("Message"))
            or f"{as_text(alert.get('Operation'))} {as_text(alert.get('Resource'))}",
            location="/".join(filter(None, place)),
            action=as_text(alert.get("Action")),
        )
    return list(drafts.values())
