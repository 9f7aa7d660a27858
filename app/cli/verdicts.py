"""Verdicts for people: plain text for a terminal, Markdown for a merge request."""

from __future__ import annotations

import json
from typing import Any

from app.domain.moments import iso
from app.domain.verdict import Readiness, Reason, ReasonSeverity, SubjectType, Verdict
from app.readmodels.readiness import Answer

_WORDS = {
    Readiness.READY: "Ready",
    Readiness.AT_RISK: "At risk",
    Readiness.BLOCKED: "Blocked",
    Readiness.UNKNOWN: "Unknown",
}
_TITLES = {
    ReasonSeverity.BLOCKING: "Blocking",
    ReasonSeverity.WARNING: "Warnings",
    ReasonSeverity.INFO: "Remarks",
}


def text(answer: Answer) -> str:
    """The verdict in plain text, worst first."""
    verdict, keys = answer.verdict, _keys(answer)
    lines = [f"{_WORDS[verdict.state]}: {_about(answer)}", *_bundles(answer)]
    for severity, title in _TITLES.items():
        reasons = [reason for reason in verdict.reasons if reason.severity is severity]
        if reasons:
            lines += ["", title]
        lines += [f"  {reason.sentence}{_pointer(reason, keys)}" for reason in reasons]
    if verdict.proofs:
        lines += ["", f"Proved: {_proved(verdict)}"]
    pinned = f"policy {verdict.policy_digest[:12]}, inputs {verdict.inputs_digest[:12]}"
    lines += ["", f"as of {iso(verdict.evaluated_at)}, {pinned}"]
    return "\n".join(lines)


def markdown(answer: Answer) -> str:
    """The verdict in Markdown: a headline, a table of reasons, what is proved, and what it rests on."""
    verdict, keys = answer.verdict, _keys(answer)
    lines = [f"## {_WORDS[verdict.state]}: {cell(_about(answer))}", ""]
    if verdict.reasons:
        lines += ["| | What | Why | Row |", "|---|---|---|---|"]
        for reason in verdict.reasons:
            where = f" ({cell(keys[reason.bundle_id])})" if len(keys) > 1 and reason.bundle_id in keys else ""
            what = f"{reason.subject_type} {cell(reason.subject)}{where}"
            row = f"`{reason.row_id}`" if reason.row_id else ""
            lines.append(f"| {reason.severity} {reason.code} | {what} | {cell(reason.sentence)} | {row} |")
        lines.append("")
    if verdict.proofs:
        lines += [f"Proved: {cell(_proved(verdict))}", ""]
    pinned = f"policy `{verdict.policy_digest[:12]}`, inputs `{verdict.inputs_digest[:12]}`"
    lines.append(f"As of {iso(verdict.evaluated_at)}, {pinned}.")
    return "\n".join(lines)


def shown_value(value: Any) -> str:
    """A value of a difference, on one line."""
    return "nothing" if value is None else json.dumps(value, sort_keys=True)


def _about(answer: Answer) -> str:
    bundles = [each.bundle for each in answer.inputs if each.bundle is not None]
    if len(bundles) == 1:
        bundle = bundles[0]
        return f"{bundle.bundle_key} for {bundle.environment} ({bundle.product}, {bundle.profile})"
    return answer.verdict.environment if bundles else f"{answer.verdict.environment}, where no bundle is recorded"


def _bundles(answer: Answer) -> list[str]:
    bundles = [each.bundle for each in answer.inputs if each.bundle is not None]
    return [f"  {bundle.bundle_key}" for bundle in bundles] if len(bundles) > 1 else []


def _keys(answer: Answer) -> dict[str | None, str]:
    return {each.bundle.id: each.bundle.bundle_key for each in answer.inputs if each.bundle is not None}


def _pointer(reason: Reason, keys: dict[str | None, str]) -> str:
    of = f"{keys[reason.bundle_id]} " if len(keys) > 1 and reason.bundle_id in keys else ""
    if reason.row_id is None or reason.subject_type is SubjectType.BUNDLE:
        return f" [{of.strip()}]" if of else ""
    return f" [{of}{reason.subject_type} {reason.row_id}]"


def _proved(verdict: Verdict) -> str:
    return ", ".join(dict.fromkeys(f"{proof.subject_type} {proof.subject}" for proof in verdict.proofs))


def cell(text: str) -> str:
    """Text that a table of Markdown holds as it is: no bar, mark-up or line end takes effect."""
    flat = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|~" else c for c in flat)
