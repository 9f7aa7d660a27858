"""Trivy's own JSON: schema 2, the array of results before it, and Kubernetes cluster reports flattened.

Source: Trivy's report types (`pkg/types/report.go`, `finding.go`, `pkg/k8s/report`). No parser library exists apart
from the Go types. A result leaves out what it did not find, so an absent list means none; an absent list of results
means that nothing was scanned, and that is inconclusive, as is a report that counts more failed misconfigurations than
it lists. A report of licences alone answers another question, and is refused.

Open findings are vulnerabilities, failed misconfigurations and secrets. Licences are classified, not found wrong:
Trivy lists every licence it sees, so they are tallied in the payload and count as no finding. Suppressed are what an
ignore file or a VEX document took out, misconfigurations under an exception, and vulnerabilities that the vendor
states as not affecting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.domain.checks import Subject, subject_of
from app.domain.evidence import EvidenceType, Result, worst_result
from app.domain.vex import FIXED, NOT_AFFECTED
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, clip
from app.importers.documents import as_dict, as_list, as_text, read_json
from app.importers.figures import count
from app.importers.findings import Findings, open_sentence, severity_of
from app.importers.moments import moment
from app.importers.names import image_target, path_target, repository_target, shorten, whole_commit

FORMAT = "trivy"

_CLUSTER_LISTS = ("Resources", "Findings", "Vulnerabilities", "Misconfigurations")
_TAKEN_OUT = ("ignored", NOT_AFFECTED, FIXED)
_SUBJECT_NAMES = 20
_LICENCES = ("license", "license-file")
_SCANNED = {"os-pkgs": "packages", "lang-pkgs": "packages", "config": "configuration", "": "packages"}
"""What results of a class say was scanned; the oldest have none. Secrets are left out: where none is found, there is no
result of theirs."""


def detect(probe: Probe) -> bool:
    """Told by Trivy's capitalised names; nobody else writes them together."""
    if probe.kind != "json":
        return False
    document = probe.document
    if isinstance(document, list):
        return bool(document) and _is_result(document[0])
    if not isinstance(document, dict):
        return False
    if "ClusterName" in document:
        return any(key in document for key in _CLUSTER_LISTS)
    results = as_list(document.get("Results"))
    if results and not _is_result(results[0]):
        return False
    return bool(results) or ("SchemaVersion" in document and ("ArtifactName" in document or "ArtifactType" in document))


def _is_result(value: Any) -> bool:
    result = as_dict(value)
    known = ("Class", "Type", "Vulnerabilities", "Misconfigurations", "Secrets", "Licenses", "Packages")
    return "Target" in result and any(key in result for key in known)


def parse(artifact: Artifact) -> ImportBatch:
    """One item for the report."""
    document = read_json(artifact)
    report = as_dict(document)
    if isinstance(document, list):
        dialect, results = "legacy", _listed(document, "the report")
    elif not report:
        raise Reject("the report is empty: nothing says what was scanned")
    elif "ClusterName" in report:
        dialect, results = "kubernetes", list(_of_cluster(report))
    else:
        dialect, results = "v2", _listed(report.get("Results"), "Results")
    tally = _Tally()
    for number, result in enumerate(results):
        tally.add(result, f"result {number + 1}")
    if results and all(as_text(result.get("Class")) in _LICENCES for result in results):
        # Trivy lists what it scanned for vulnerabilities or misconfigurations, found or not.
        raise Reject("the report is of licences alone: it says nothing of vulnerabilities, and is no scan for them")
    counts = tally.findings.counts()
    name = as_text(report.get("ArtifactName")) or (_cluster_name(report) if dialect == "kubernetes" else "")
    errors = [clip(as_text(r.get("Error"))) for r in _resources(report) if r.get("Error")]
    metadata = as_dict(report.get("Metadata"))
    version = as_text(as_dict(report.get("Trivy")).get("Version"))
    told, doubts = open_sentence(counts), [counts.result()]
    if not results:
        told = "nothing was scanned"
    if not results or errors:
        doubts.append(Result.INCONCLUSIVE)
    if tally.unlisted:
        told += f", {tally.unlisted} failed misconfigurations are counted and not listed"
        doubts.append(Result.INCONCLUSIVE)
    if as_dict(metadata.get("OS")).get("EOSL") is True:
        told += ", the operating system gets no more security updates"
        doubts.append(Result.WARNED)
    item = Item(
        evidence_type=EvidenceType.SECURITY,
        title=clip(f"Trivy scan{f' of {shorten(name)}' if name else ''}: {told}"),
        result=worst_result(doubts),
        producer=clip(f"Trivy {version}" if version else "Trivy", 200),
        findings=counts,
        completed_at=moment(report.get("CreatedAt")),
        payload={
            "results": len(results),
            "subject": _names(report, name),
            "artifact_type": clip(as_text(report.get("ArtifactType")), 50),
            "scan_errors": errors[:20],
        }
        | tally.facts()
        | {"top_findings": tally.findings.top()},
    )
    return ImportBatch(
        FORMAT,
        dialect=dialect,
        items=(item,),
        subject=_subject(report, results),
        commit=whole_commit(as_text(metadata.get("Commit"))),
    )


def _subject(report: dict[str, Any], results: list[dict[str, Any]]) -> Subject:
    """What was scanned, and for what, so that a clean scan of the configuration replaces none of the packages. Where
    nothing names what was scanned, the files and packages that were looked at tell."""
    classes = [as_text(result.get("Class")) for result in results]
    scanned = " and ".join(sorted({_SCANNED[one] for one in classes if one in _SCANNED}))
    if target := _target(report):
        return subject_of("Trivy", target, scanned)
    listed = (as_text(one.get("Target")) for one, name in zip(results, classes, strict=True) if name in _SCANNED)
    return subject_of(f"Trivy {scanned}", holds=listed)


def _target(report: dict[str, Any]) -> str:
    metadata = as_dict(report.get("Metadata"))
    name, kind = as_text(report.get("ArtifactName")), as_text(report.get("ArtifactType"))
    if "ClusterName" in report:
        return as_text(report.get("ClusterName"))
    if kind == "container_image":
        return image_target([name, *map(as_text, as_list(metadata.get("RepoTags"))[:_SUBJECT_NAMES])])
    repository = repository_target(as_text(metadata.get("RepoURL"))) or repository_target(name)
    if repository:
        return repository if repository_target(name) else " ".join(filter(None, (repository, path_target(name))))
    return path_target(name)


class _Tally:
    """Counts over all results; the words of the report are kept beside the severities they were taken for."""

    def __init__(self) -> None:
        self.findings = Findings()
        self.by_severity: dict[str, Counter[str]] = {
            kind: Counter() for kind in ("vulnerabilities", "misconfigurations", "secrets", "licenses")
        }
        self.statuses: Counter[str] = Counter()
        self.unlisted = 0
        self.modified: Counter[str] = Counter()

    def add(self, result: dict[str, Any], place: str) -> None:
        target = as_text(result.get("Target"))
        for found in _listed(result.get("Vulnerabilities"), f"{place}, Vulnerabilities"):
            self.by_severity["vulnerabilities"][_word(found)] += 1
            if as_text(found.get("Status")).lower() == NOT_AFFECTED:
                self.findings.suppress()
            else:
                self._vulnerability(found, target)
        failed = 0
        for found in _listed(result.get("Misconfigurations"), f"{place}, Misconfigurations"):
            status = as_text(found.get("Status")).upper()
            self.statuses[clip(status, 20) or "none given"] += 1
            if status == "EXCEPTION":
                self.findings.suppress()
            elif status != "PASS":
                failed += 1
                self.by_severity["misconfigurations"][_word(found)] += 1
                self._misconfiguration(found, target)
        declared = count(as_dict(result.get("MisconfSummary")).get("Failures")) or 0
        self.unlisted += max(0, declared - failed)
        for found in _listed(result.get("Secrets"), f"{place}, Secrets"):
            self.by_severity["secrets"][_word(found)] += 1
            self._secret(found, target)
        for found in _listed(result.get("Licenses"), f"{place}, Licenses"):
            self.by_severity["licenses"][_word(found)] += 1
        for change in _listed(result.get("ExperimentalModifiedFindings"), f"{place}, ExperimentalModifiedFindings"):
            self._modified(change, target)

    def _modified(self, change: dict[str, Any], target: str) -> None:
        status, kind = as_text(change.get("Status")).lower(), as_text(change.get("Type")).lower()
        self.modified[clip(status, 30) or "none given"] += 1
        if kind == "license":
            return
        found = as_dict(change.get("Finding"))
        if status in _TAKEN_OUT:
            self.findings.suppress()
        elif kind == "misconfiguration":
            self._misconfiguration(found, target)
        elif kind == "secret":
            self._secret(found, target)
        else:
            self._vulnerability(found, target)

    def _vulnerability(self, found: dict[str, Any], target: str) -> None:
        path = as_text(found.get("PkgPath"))
        self.findings.add(
            severity_of(as_text(found.get("Severity"))),
            id=as_text(found.get("VulnerabilityID")),
            title=as_text(found.get("Title")) or as_text(found.get("Description")),
            location=path if path and path in target else " ".join(filter(None, (target, path))),
            package=as_text(found.get("PkgName")),
            version=as_text(found.get("InstalledVersion")),
            fixed_in=as_text(found.get("FixedVersion")),
            purl=as_text(as_dict(found.get("PkgIdentifier")).get("PURL")),
            aliases=", ".join(filter(None, map(as_text, as_list(found.get("VendorIDs"))[:10]))),
        )

    def _misconfiguration(self, found: dict[str, Any], target: str) -> None:
        line = as_text(as_dict(found.get("CauseMetadata")).get("StartLine"))
        self.findings.add(
            severity_of(as_text(found.get("Severity"))),
            id=as_text(found.get("AVDID")) or as_text(found.get("ID")),
            title=as_text(found.get("Title")) or as_text(found.get("Message")),
            location=f"{target}:{line}" if target and line not in ("", "0") else target,
            resource=as_text(as_dict(found.get("CauseMetadata")).get("Resource")),
        )

    def _secret(self, found: dict[str, Any], target: str) -> None:
        # `Match` is left out: it holds the line that the secret stands in, though masked.
        line = as_text(found.get("StartLine"))
        self.findings.add(
            severity_of(as_text(found.get("Severity"))),
            id=as_text(found.get("RuleID")),
            title=as_text(found.get("Title")) or "Secret",
            location=f"{target}:{line}" if target and line not in ("", "0") else target,
            category=as_text(found.get("Category")),
        )

    def facts(self) -> dict[str, Any]:
        """The tallies as the payload keeps them; `by_severity` is of vulnerabilities."""
        tallied = self.by_severity
        return {
            "vulnerabilities": tallied["vulnerabilities"].total(),
            "by_severity": dict(tallied["vulnerabilities"].most_common(20)),
            "misconfigurations_not_listed": self.unlisted,
            "misconfigurations_by_status": dict(self.statuses.most_common(20)),
            "misconfig_fail_by_severity": dict(tallied["misconfigurations"].most_common(20)),
            "secrets": tallied["secrets"].total(),
            "secrets_by_severity": dict(tallied["secrets"].most_common(20)),
            "licenses": tallied["licenses"].total(),
            "licenses_by_severity": dict(tallied["licenses"].most_common(20)),
            "modified_by_status": dict(self.modified.most_common(20)),
        }


def _word(found: dict[str, Any]) -> str:
    return clip(as_text(found.get("Severity")), 30) or "none given"


def _listed(value: Any, place: str) -> list[dict[str, Any]]:
    """The objects of a list that may be null or absent; anything else could hide findings and is refused."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Reject(f"{place} is not a list; what was found cannot be told")
    for number, one in enumerate(value):
        if not isinstance(one, dict):
            raise Reject(f"{place}: entry {number + 1} is not an object")
    return value


def _resources(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "ClusterName" in report:
        for key in _CLUSTER_LISTS:
            yield from _listed(report.get(key), key)


def _of_cluster(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in _resources(report):
        where = "/".join(filter(None, (as_text(resource.get(key)) for key in ("Namespace", "Kind", "Name"))))
        for result in _listed(resource.get("Results"), f"the results of {clip(where, 200) or 'a resource'}"):
            target = as_text(result.get("Target"))
            kept = where if target and target in where else " ".join(filter(None, (where, target)))
            yield result | {"Target": kept}


def _cluster_name(report: dict[str, Any]) -> str:
    name = as_text(report.get("ClusterName"))
    return f"the cluster {name}" if name else "a Kubernetes cluster"


def _names(report: dict[str, Any], name: str) -> list[str]:
    """The names by which what was scanned is known, for VEX statements to match."""
    metadata = as_dict(report.get("Metadata"))
    names = [
        name,
        as_text(metadata.get("ImageID")),
        *(as_text(one) for key in ("RepoTags", "RepoDigests") for one in as_list(metadata.get(key))[:_SUBJECT_NAMES]),
    ]
    return list(dict.fromkeys(clip(one, 300) for one in names if one))[:_SUBJECT_NAMES]
