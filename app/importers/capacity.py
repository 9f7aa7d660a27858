"""What every load tool's result comes down to: requests, failures, response times, thresholds.

The vocabulary of evidence has no type for load tests, so they are items of type `ci` whose payload holds
`capacity`, from which the capacity gate is evaluated:

    {"tool", "requests", "failed", "error_rate": 0..1, "requests_per_second", "duration_ms",
     "percentiles_ms": {"min", "avg", "p50", "p90", "p95", "p99", "max", ...},
     "thresholds": [{"metric", "expression", "ok": true | false | null, "value", "note"}],
     "thresholds_passed", "thresholds_failed", "thresholds_unknown",
     "failing": [{"label", "requests", "failed"}]}

A key whose value the file does not give is left out. Thresholds decide the item's result; where they all hold,
yet requests or checks failed, the pass is `warned`. Without thresholds the tool's verdict on each request decides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.checks import Subject, subject_of
from app.domain.evidence import EvidenceType, Result
from app.importers.base import Item, clip
from app.importers.figures import share

THRESHOLD_LIMIT = 100
"""Thresholds kept in a payload; all are counted."""

LABELS_FOLLOWED = 1000
LABELS_KEPT = 20

_EXACT_BELOW = 10_000


@dataclass(slots=True)
class Durations:
    """Response times in ms as a histogram: exact to 1 ms below 10 s and to three digits above, so that memory
    stays bounded however many there are."""

    count: int = 0
    total: float = 0.0
    least: float | None = None
    most: float | None = None
    _buckets: Counter[int] = field(default_factory=Counter)

    def add(self, milliseconds: float, times: int = 1) -> None:
        """Count `times` responses that took so long; a negative time counts as none at all."""
        value = min(max(milliseconds, 0.0), 1e12)
        if times <= 0:
            return
        self.count += times
        self.total += value * times
        self.least = value if self.least is None else min(self.least, value)
        self.most = value if self.most is None else max(self.most, value)
        bucket = round(value)
        if bucket >= _EXACT_BELOW:
            step = 10 ** (len(str(bucket)) - 3)
            bucket = bucket // step * step
        self._buckets[bucket] += times

    def percentiles(self) -> dict[str, float]:
        """min, avg, p50, p90, p95, p99 and max in ms, by nearest rank; empty when nothing was counted."""
        if not self.count or self.least is None or self.most is None:
            return {}
        found: dict[str, float] = {"min": self.least, "avg": round(self.total / self.count, 3)}
        wanted = [(50, "p50"), (90, "p90"), (95, "p95"), (99, "p99")]
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            while wanted and seen * 100 >= wanted[0][0] * self.count:
                found[wanted.pop(0)[1]] = bucket
        return found | {"max": self.most}


@dataclass(slots=True)
class Labels:
    """Requests and failures by label, of the first `LABELS_FOLLOWED` labels."""

    _requests: Counter[str] = field(default_factory=Counter)
    _failed: Counter[str] = field(default_factory=Counter)

    def add(self, label: str, requests: int, failed: int) -> None:
        """Count requests of a label and how many of them failed."""
        label = clip(label, 200)
        if label in self._requests or len(self._requests) < LABELS_FOLLOWED:
            self._requests[label] += requests
            self._failed[label] += failed

    def names(self) -> list[str]:
        """The labels that are followed."""
        return list(self._requests)

    def failing(self) -> list[dict[str, Any]]:
        """The labels with failures, most failures first."""
        worst = sorted((-failed, label) for label, failed in self._failed.items() if failed)[:LABELS_KEPT]
        return [{"label": label, "requests": self._requests[label], "failed": -failed} for failed, label in worst]


@dataclass(frozen=True, slots=True)
class Threshold:
    """One limit that the run was held to. `ok` is None when the file contradicts itself or does not say."""

    metric: str
    expression: str
    ok: bool | None
    value: float | None = None
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The threshold as the payload shows it."""
        told: dict[str, Any] = {
            "metric": clip(self.metric, 200),
            "expression": clip(self.expression, 200),
            "ok": self.ok,
        }
        if self.value is not None:
            told["value"] = self.value
        if self.note:
            told["note"] = clip(self.note, 200)
        return told


@dataclass(slots=True)
class Load:
    """The outcome of one load test. Times in ms; `failed` and `requests` are None where the file does not say."""

    tool: str
    requests: int | None = None
    failed: int | None = None
    percentiles: dict[str, float] = field(default_factory=dict)
    thresholds: list[Threshold] = field(default_factory=list)
    requests_per_second: float | None = None
    duration_ms: float | None = None
    error_rate: float | None = None
    labels: Labels = field(default_factory=Labels)
    name: str = ""
    version: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """Further short facts for the payload's `capacity`."""

    def subject(self, dialect: str) -> Subject:
        """What was loaded, by the test's own name and the labels of its requests."""
        return subject_of(dialect, name=self.name, holds=self.labels.names())

    def rate(self) -> float | None:
        """The share of requests that failed, 0 to 1; the file's own figure only where its counts do not say.

        A tool may count broken connections that never became requests, so that more failed than were counted."""
        if self.requests and self.failed is not None:
            return min(1.0, round(self.failed / self.requests, 6))
        return self.error_rate

    def result(self) -> Result:
        """Failed by a broken threshold; inconclusive when one cannot be told; warned when all hold and requests
        failed all the same; without thresholds, failed or passed by the requests, inconclusive when there were none."""
        verdicts = {threshold.ok for threshold in self.thresholds}
        failures = bool(self.failed or self.error_rate)
        if False in verdicts:
            return Result.FAILED
        if None in verdicts:
            return Result.INCONCLUSIVE
        if verdicts:
            return Result.WARNED if failures else Result.PASSED
        if failures:
            return Result.FAILED
        return Result.PASSED if self.requests and self.failed is not None else Result.INCONCLUSIVE

    def title(self) -> str:
        """A line such as "k6 load test checkout: 313 requests, 2 failed (0.6%), 3 of 4 thresholds held"."""
        parts = []
        if self.requests is not None:
            parts.append(f"{self.requests:,} request{'' if self.requests == 1 else 's'}")
        if self.failed is not None:
            told = f" ({share(self.failed, self.requests)})" if self.failed and self.requests else ""
            parts.append(f"{self.failed:,} failed{told}")
        if self.thresholds:
            held = sum(threshold.ok is True for threshold in self.thresholds)
            parts.append(f"{held} of {len(self.thresholds)} thresholds held")
        name = f"{self.tool} load test {clip(self.name, 120)}".strip()
        return f"{name}: {', '.join(parts)}" if parts else name

    def payload(self) -> dict[str, Any]:
        """`{"capacity": ...}` as described above."""
        told: dict[str, Any] = {
            "tool": self.tool,
            "requests": self.requests,
            "failed": self.failed,
            "error_rate": self.rate(),
            "requests_per_second": self.requests_per_second,
            "duration_ms": self.duration_ms,
            "failing": self.labels.failing() or None,
        }
        told = {key: value for key, value in told.items() if value is not None}
        told["percentiles_ms"] = self.percentiles
        told["thresholds"] = [threshold.as_dict() for threshold in self.thresholds[:THRESHOLD_LIMIT]]
        told["thresholds_passed"] = sum(threshold.ok is True for threshold in self.thresholds)
        told["thresholds_failed"] = sum(threshold.ok is False for threshold in self.thresholds)
        told["thresholds_unknown"] = sum(threshold.ok is None for threshold in self.thresholds)
        return {"capacity": told | self.facts}

    def item(self, result: Result | None = None) -> Item:
        """The evidence item; `result` overrides the rule above."""
        return Item(
            evidence_type=EvidenceType.CI,
            title=self.title(),
            result=result or self.result(),
            producer=clip(f"{self.tool} {self.version}", 120),
            started_at=self.started_at,
            completed_at=self.completed_at,
            payload=self.payload(),
        )
