"""Pact: what a broker answers about versions that are to work together, and what a verification found.
One of the dialects of `contract_drift`.

- The matrix (also what `can-i-deploy --output json` prints): rows with `verificationResult.success`, and a summary
  with `deployable`: true, false, or null when a verification is missing.
- A verification result, and the list of a pact's verification results.
- The reports of the JVM and the Rust verifier.
- Recorded exchanges with a broker (`request` and `response`) are opened; several decisions recorded under names are
  taken together, and the worst counts.

A failed verification is a breaking change; a missing one is `unknown`, so the whole is inconclusive. Rows are
counted, the summary is kept under `declared` where it differs. What a broker answers to a publication, or lists as
still to be verified, is no result and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.domain.checks import subject_of
from app.domain.evidence import Result, worst_result
from app.importers.base import ImportBatch, Reject, clip
from app.importers.contract_changes import Changes
from app.importers.documents import as_dict, as_list, as_text
from app.importers.figures import count
from app.importers.moments import moment

_SUMMARY_KEYS = ("success", "failed", "unknown")


def is_pact(document: dict[str, Any]) -> bool:
    """Anything that this module reads, or recognises in order to refuse it with a reason."""
    return _kind(document) != "" or _is_exchange(document)


def read(document: dict[str, Any], format: str) -> ImportBatch:
    """One item. Raises Reject for answers that hold no result."""
    if _is_exchange(document):
        response = document["response"]
        status = count(response.get("status")) or 0
        body = as_dict(response.get("body"))
        if status >= 400:
            raise Reject(f"the broker answered {status}, not a result: {_errors(body)}")
        document = body
    kind = _kind(document)
    changes = Changes("Pact")
    if kind == "publication":
        raise Reject("the answer to a publication says what the broker stored, not whether a provider honours it")
    if kind == "for-verification":
        raise Reject("a list of pacts that are still to be verified holds no result")
    readers = {
        "matrix": _matrix,
        "decisions": _decisions,
        "verification": _verification,
        "verifications": _verifications,
        "jvm": _jvm,
        "rust": _rust,
    }
    if kind not in readers:
        raise Reject("the recorded answer of the broker is neither a matrix nor a verification")
    title, result = readers[kind](document, changes)
    return ImportBatch(
        format, f"pact-{kind}", items=(changes.item(title, result),), subject=subject_of("Pact", _pair(document))
    )


def _pair(document: Any) -> str:
    """The consumer and provider that a verification is of, where it names one pair."""
    told = as_dict(document)
    names = [as_text(as_dict(told.get(side)).get("name")) or as_text(told.get(f"{side}Name")) for side in _SIDES]
    return " and ".join(name for name in names if name)


_SIDES = ("consumer", "provider")


def _is_exchange(document: dict[str, Any]) -> bool:
    request, response = document.get("request"), document.get("response")
    if not isinstance(request, dict) or not isinstance(response, dict) or "path" not in request:
        return False
    body = response.get("body")
    wants = as_text(as_dict(request.get("headers")).get("Accept")) + as_text(
        as_dict(response.get("headers")).get("content-type")
    )
    return isinstance(body, dict) and (_kind(body) != "" or "hal+json" in wants)


def _kind(document: dict[str, Any]) -> str:
    embedded = as_dict(document.get("_embedded"))
    if isinstance(document.get("matrix"), list) or _is_summary(document.get("summary")):
        return "matrix"
    if isinstance(embedded.get("verificationResults"), list):
        return "verifications"
    if "success" in document and {"providerApplicationVersion", "verifiedBy"} & set(document):
        return "verification"
    if "pactJvmVersion" in as_dict(document.get("metaData")) and "execution" in document:
        return "jvm"
    if isinstance(document.get("result"), bool) and "errors" in document and "pendingErrors" in document:
        return "rust"
    links = as_dict(document.get("_links"))
    if "notices" in document and ("pb:contracts" in links or "pb:pacticipant-version" in links):
        return "publication"
    pacts = embedded.get("pacts")
    if isinstance(pacts, list) and any("verificationProperties" in as_dict(pact) for pact in pacts):
        return "for-verification"
    decisions = list(document.values())
    if decisions and all(_is_decision(entry) for entry in decisions):
        return "decisions"
    return ""


def _is_summary(value: Any) -> bool:
    return isinstance(value, dict) and "deployable" in value


def _is_decision(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return (_is_summary(value) and "reasons" in value) or ("status" in value and "summary" in value)


def _errors(body: dict[str, Any]) -> str:
    told = as_dict(body.get("errors"))
    parts = [f"{key} {', '.join(as_text(word) for word in as_list(words))}".strip() for key, words in told.items()]
    return clip("; ".join(parts), 200) or "no reason given"


def _deployable(value: Any) -> Result:
    return {True: Result.PASSED, False: Result.FAILED}[value] if isinstance(value, bool) else Result.INCONCLUSIVE


def _party(value: Any) -> str:
    told = as_dict(value)
    version = as_text(as_dict(told.get("version")).get("number"))
    return f"{as_text(told.get('name'))} {version}".strip()


def _matrix(document: dict[str, Any], changes: Changes) -> tuple[str, Result]:
    summary = as_dict(document.get("summary"))
    rows = document.get("matrix")
    verified = failed = unknown = ignored = 0
    for row in as_list(rows):
        told = as_dict(row)
        outcome = as_dict(told.get("verificationResult"))
        if told.get("ignored") is True:
            ignored += 1
            continue
        pair = f"{_party(told.get('consumer'))} with {_party(told.get('provider'))}"
        if outcome.get("success") is True:
            verified += 1
        elif outcome.get("success") is False:
            failed += 1
            changes.add("breaking", id="pact", text=f"verification failed: {pair}")
        else:
            unknown += 1
            changes.add("unknown", id="pact", text=f"not verified: {pair}")
        at = moment(outcome.get("verifiedAt"))
        if at is not None and (changes.completed_at is None or at > changes.completed_at):
            changes.completed_at = at
    declared = {key: number for key in _SUMMARY_KEYS if (number := count(summary.get(key))) is not None}
    results = []
    if isinstance(rows, list) and rows:
        results.append(changes.result())
        counted = {"success": verified, "failed": failed, "unknown": unknown}
        if declared and declared != counted:
            changes.facts["declared"] = declared
    else:
        # The summary alone, as many pipelines keep it.
        verified, failed, unknown = (declared.get(key, 0) for key in _SUMMARY_KEYS)
        _stand_in(changes, failed, unknown, as_text(summary.get("reason")))
    if summary:
        # A summary that is not deployable for want of a verification does not soften a failed row.
        results.append(Result.FAILED if declared.get("failed") else _deployable(summary.get("deployable")))
        changes.facts["deployable"] = summary.get("deployable") if isinstance(summary.get("deployable"), bool) else None
        changes.facts["reason"] = clip(as_text(summary.get("reason")))
    if ignored or count(summary.get("ignored")):
        changes.facts["ignored"] = ignored or count(summary.get("ignored"))
    changes.facts["verified"] = verified
    return f"Pact matrix: {_tally(verified, failed, unknown)}", worst_result(results)


def _stand_in(changes: Changes, failed: int, unknown: int, reason: str) -> None:
    """Findings for a summary without rows; a cap keeps an absurd number from taking all day."""
    for level, times in (("breaking", failed), ("unknown", unknown)):
        for _ in range(min(times, 10_000)):
            changes.add(level, id="pact", text=reason)


def _tally(verified: int, failed: int, unknown: int) -> str:
    return f"{verified} verified, {failed} failed, {unknown} not verified"


def _decisions(document: dict[str, Any], changes: Changes) -> tuple[str, Result]:
    """Decisions recorded under names: `{"status", "summary"}` or `{"deployable", "reasons"}`."""
    results, held = [], 0
    for name, entry in document.items():
        summary = entry if "deployable" in entry else as_dict(entry.get("summary"))
        if not summary:
            status = count(entry.get("status")) or 0
            changes.facts["without_answer"] = changes.facts.get("without_answer", 0) + 1
            if status < 400:
                raise Reject(f"the decision {clip(name, 150)!r} has no summary")
            continue  # a refused question decides nothing
        result = Result.FAILED if count(summary.get("failed")) else _deployable(summary.get("deployable"))
        reasons = as_text(summary.get("reason")) or ", ".join(as_text(r) for r in as_list(summary.get("reasons")))
        results.append(result)
        held += result is Result.PASSED
        if result is not Result.PASSED:
            level = "breaking" if result is Result.FAILED else "unknown"
            changes.add(level, id="can-i-deploy", text=reasons, path=clip(name, 200))
    if not results:
        raise Reject("no decision of the broker is recorded")
    changes.facts["verified"] = held
    return f"Pact decisions: {held} of {len(results)} deployable", worst_result(results)


def _verification(document: dict[str, Any], changes: Changes) -> tuple[str, Result]:
    version = as_text(document.get("providerApplicationVersion"))
    tool = as_dict(document.get("verifiedBy"))
    implementation = as_text(tool.get("implementation")).removeprefix("pact-")
    changes.version = f"{implementation} {as_text(tool.get('version'))}".strip()
    changes.completed_at = moment(document.get("verificationDate"))
    changes.facts["provider_version"] = clip(version, 120)
    result = _deployable(document.get("success"))
    if result is Result.PASSED:
        changes.facts["verified"] = 1
    else:
        level = "breaking" if result is Result.FAILED else "unknown"
        changes.add(level, id="pact", text=f"verification {result} for provider version {version}")
    verdict = {Result.PASSED: "successful", Result.FAILED: "failed"}.get(result, "without a verdict")
    return f"Pact verification of provider version {version or '(unknown)'}: {verdict}", result


def _verifications(document: dict[str, Any], changes: Changes) -> tuple[str, Result]:
    entries = as_list(as_dict(document.get("_embedded")).get("verificationResults"))
    results = []
    for entry in entries:
        told = as_dict(entry)
        result = _deployable(told.get("success"))
        results.append(result)
        if result is not Result.PASSED:
            version = as_text(told.get("providerApplicationVersion"))
            level = "breaking" if result is Result.FAILED else "unknown"
            changes.add(level, id="pact", text=f"verification {result} for provider version {version}")
    verified, failed = results.count(Result.PASSED), results.count(Result.FAILED)
    unverified = as_list(as_dict(document.get("providerSummary")).get("unknown"))
    for provider in unverified[:1000]:
        changes.add("unknown", id="pact", text=f"not verified by {as_text(provider)}")
    if "success" in document:
        results.append(_deployable(document["success"]))
    if unverified:
        results.append(Result.INCONCLUSIVE)
    changes.facts["verified"] = verified
    unknown = len(entries) - verified - failed + len(unverified)
    return f"Pact verifications: {_tally(verified, failed, unknown)}", worst_result(results)


def _jvm_results(document: dict[str, Any]) -> Iterator[tuple[str, bool | None]]:
    for execution in as_list(document.get("execution")):
        consumer = as_text(as_dict(as_dict(execution).get("consumer")).get("name"))
        for entry in as_list(as_dict(execution).get("interactions")):
            told = as_dict(entry)
            verdict = as_text(as_dict(told.get("verification")).get("result")).lower()
            name = f"{consumer}: {as_text(as_dict(told.get('interaction')).get('description'))}"
            yield name, {"ok": True, "failed": False}.get(verdict)


def _jvm(document: dict[str, Any], changes: Changes) -> tuple[str, Result]:
    meta = as_dict(document.get("metaData"))
    changes.version = f"JVM {as_text(meta.get('pactJvmVersion'))}"
    changes.completed_at = moment(meta.get("date"))
    verified = failed = unknown = 0
    for name, verdict in _jvm_results(document):
        verified += verdict is True
        if verdict is not True:
            failed, unknown = failed + (verdict is False), unknown + (verdict is None)
            changes.add("breaking" if verdict is False else "unknown", id="interaction", text=name)
    if not verified + failed + unknown:
        raise Reject("the verifier's report holds no interactions")
    changes.facts["verified"] = verified
    provider = clip(as_text(as_dict(document.get("provider")).get("name")), 120)
    return f"Pact verification of {provider}: {_tally(verified, failed, unknown)}", changes.result()


def _rust(document: dict[str, Any], changes: Changes) -> tuple[str, Result]:
    for entry in as_list(document.get("errors")):
        told = as_dict(entry)
        mismatch = as_dict(told.get("mismatch"))
        text = f"{as_text(told.get('interaction'))}: {as_text(mismatch.get('type')) or as_text(told.get('mismatch'))}"
        changes.add("breaking", id="interaction", text=text)
    pending = len(as_list(document.get("pendingErrors")))
    if pending:
        changes.facts["pending_errors"] = pending
    result = worst_result([_deployable(document["result"]), changes.result()])
    if result is Result.PASSED and pending:
        result = Result.WARNED  # pending pacts may fail without failing the provider
    verdict = "successful" if document["result"] else "failed"
    return f"Pact verification: {verdict}, failed interactions: {changes.count('breaking')}", result
