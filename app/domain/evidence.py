"""Bundles and items: vocabularies and the values that evidence is counted in.

Source: design/domain.md, "Vocabularies". Database and REST use these values; GraphQL the upper-case names.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum


class BundleKind(StrEnum):
    """What a bundle collects evidence for."""

    RELEASE_CANDIDATE = "release_candidate"
    UAT_PACKAGE = "uat_package"
    SECURITY_REVIEW = "security_review"
    PRODUCTION_CHANGE = "production_change"


class EvidenceType(StrEnum):
    """What sort of evidence an item is."""

    CI = "ci"
    UAT = "uat"
    SECURITY = "security"
    GUARD = "guard"
    SMOKE = "smoke"
    ARTIFACT = "artifact"
    OPERATOR = "operator"


class Result(StrEnum):
    """The outcome of an item, a gate or an invariant. Waived, stale, superseded and retracted are not results."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    ERROR = "error"
    PENDING = "pending"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not_applicable"


class Severity(StrEnum):
    """How bad a finding is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"
    UNKNOWN = "unknown"


SEVERITY_ORDER: tuple[Severity, ...] = tuple(Severity)
"""Worst first."""


@dataclass(frozen=True, slots=True)
class TestCounts:
    """Test cases by outcome; each case is counted once, so total is the sum of passed, failed, error and skipped.

    `flaky` cases passed only after a retry; they are counted in `passed` as well.
    """

    __test__ = False  # the name is the domain's; pytest must not collect it

    total: int = 0
    passed: int = 0
    failed: int = 0
    error: int = 0
    skipped: int = 0
    flaky: int = 0

    def result(self) -> Result:
        """Error, failed, warned (flaky) or passed, the worst first; skipped if all were, inconclusive if none ran."""
        if self.error:
            return Result.ERROR
        if self.failed:
            return Result.FAILED
        if self.total == 0:
            return Result.INCONCLUSIVE
        if self.passed == 0:
            return Result.SKIPPED
        return Result.WARNED if self.flaky else Result.PASSED

    def as_dict(self) -> dict[str, int]:
        """The counts by field name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FindingCounts:
    """Findings by severity. Suppressed, dismissed and not-affected findings count only under `suppressed`."""

    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    info: int = 0
    unknown: int = 0
    suppressed: int = 0

    @property
    def open(self) -> int:
        """Findings that nobody suppressed."""
        return self.critical + self.high + self.medium + self.low + self.info + self.unknown

    def result(self) -> Result:
        """Failed on a critical or high finding, warned on any other open one that is not merely info, else passed."""
        if self.critical or self.high:
            return Result.FAILED
        if self.medium or self.low or self.unknown:
            return Result.WARNED
        return Result.PASSED

    def as_dict(self) -> dict[str, int]:
        """The counts by field name."""
        return asdict(self)


TEST_COUNT_FIELDS: tuple[str, ...] = tuple(f.name for f in fields(TestCounts))
FINDING_COUNT_FIELDS: tuple[str, ...] = tuple(f.name for f in fields(FindingCounts))

RESULT_ORDER: tuple[Result, ...] = (
    Result.ERROR,
    Result.FAILED,
    Result.INCONCLUSIVE,
    Result.PENDING,
    Result.WARNED,
    Result.PASSED,
    Result.SKIPPED,
    Result.NOT_APPLICABLE,
)
"""Worst first; used wherever several outcomes become one."""


def worst_result(results: list[Result]) -> Result:
    """The worst of several outcomes; inconclusive when there is none."""
    return min(results, key=RESULT_ORDER.index, default=Result.INCONCLUSIVE)
