"""The settings that a policy rule may hold: where each stands in the TOML, and which values it takes.

A setting is found by its path, such as ("thresholds", "security", "max_high"). Its value is kept plain: an
enforcement by its word, a duration in seconds, None for unlimited. Nothing here knows a bundle.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from app.domain.evidence import EvidenceType, Severity
from app.domain.gates import Enforcement, Gate
from app.domain.invariants import INVARIANT_ID

Setting = str | int | float | bool | None | tuple[str, ...]
Path = tuple[str, ...]

OFF = "off"
UNLIMITED = "unlimited"
ANY = "*"

LONGEST = 3650 * 86_400
"""Ten years, in seconds: the longest duration taken; longer ones are written as unlimited."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:[0-9]{1,9}[smhdw])+")
_DURATION_PART = re.compile(r"([0-9]+)([smhdw])")
_PERCENTILE = re.compile(r"p[0-9]{1,2}(?:\.[0-9]{1,3})?")


class Unfit(ValueError):
    """A value that a setting does not take; the message says what it takes."""


def duration(value: object) -> int | None:
    """Seconds, of a text such as 90s, 15m, 24h, 7d, 2w or 1d12h; None for unlimited."""
    if value == UNLIMITED:
        return None
    if isinstance(value, str) and _DURATION.fullmatch(value):
        seconds = sum(int(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(value))
        if 0 < seconds <= LONGEST:
            return seconds
    raise Unfit('a duration such as "15m", "24h", "7d" or "1d12h", up to "3650d", or "unlimited"')


def enforcement(value: object) -> str:
    """One of the enforcement words, or off."""
    allowed = [each.value for each in reversed(Enforcement)]
    if isinstance(value, str) and value in (*allowed, OFF):
        return value
    raise Unfit(f"one of {', '.join(allowed)}, {OFF}")


def bites(value: object) -> str:
    """How much a waived blocking gate still weighs."""
    if value in (Enforcement.WARNING.value, Enforcement.REPORT_ONLY.value):
        return str(value)
    raise Unfit("warning or report_only")


def count(value: object) -> int | None:
    """A whole number from 0; None for unlimited."""
    if value == UNLIMITED:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31:
        return value
    raise Unfit('a whole number from 0, or "unlimited"')


def approvers(value: object) -> int:
    """A whole number from 1."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100:
        return value
    raise Unfit("a whole number from 1 to 100")


def share(value: object) -> float:
    """A part of one."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise Unfit("a number from 0 to 1, such as 0.98")


def share_or_unlimited(value: object) -> float | None:
    """A part of one; None for unlimited."""
    if value == UNLIMITED:
        return None
    try:
        return share(value)
    except Unfit:
        raise Unfit('a number from 0 to 1, such as 0.01, or "unlimited"') from None


def milliseconds(value: object) -> float | None:
    """A positive number; None for unlimited."""
    if value == UNLIMITED:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12:
        return float(value)
    raise Unfit('milliseconds as a number above 0, or "unlimited"')


def switch(value: object) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    raise Unfit("true or false")


def patterns(value: object) -> tuple[str, ...]:
    """Names of people or roles, sorted, each once."""
    if isinstance(value, list) and all(isinstance(each, str) and each.strip() for each in value):
        return tuple(sorted({each.strip() for each in value}))
    raise Unfit('a list of names such as ["alice@example.org", "*@release.example.org", "role:release-manager"]')


def gates(value: object) -> tuple[str, ...]:
    """Names of gates, or the star for all of them."""
    known = [gate.value for gate in Gate]
    if isinstance(value, list) and value and all(each in (*known, ANY) for each in value):
        return tuple(sorted(set(value)))
    raise Unfit(f'a list of gates out of {", ".join(known)}, or ["{ANY}"]')


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a rule: the keys it takes, and how a value is read. `keys` None takes any key that `fits`."""

    read: Callable[[object], Setting] | None = None
    keys: dict[str, Callable[[object], Setting] | Table] | None = None
    fits: Callable[[str], bool] = bool
    allowed: str = "a name"
    """What the keys are, in words, for tables that take any."""


def _each(names: list[str], read: Callable[[object], Setting]) -> dict[str, Callable[[object], Setting] | Table]:
    return dict.fromkeys(names, read)


_GATES = [gate.value for gate in Gate]
_TYPES = [kind.value for kind in EvidenceType]

RULE = Table(
    keys={
        "gates": Table(keys=_each(_GATES, enforcement)),
        "invariants": Table(
            read=enforcement,
            fits=lambda name: name == ANY or INVARIANT_ID.fullmatch(name) is not None,
            allowed='an invariant id such as PI-LAUNCH-001, or "*"',
        ),
        "guards": Table(read=enforcement, allowed='a guard\'s name, or "*"'),
        "components": Table(read=enforcement, allowed='a component\'s name, or "*"'),
        "evidence": Table(keys=_each([*_TYPES, ANY], enforcement)),
        "freshness": Table(
            keys=_each([*_TYPES, "gate", "invariant", "component"], duration)
            | {
                "gates": Table(keys=_each(_GATES, duration)),
                "components": Table(read=duration, allowed="a component's name"),
                "guards": Table(read=duration, allowed="a guard's name"),
            }
        ),
        "thresholds": Table(
            keys={
                "contract_drift": Table(keys={"max_breaking": count}),
                "security": Table(keys=_each([f"max_{severity.value}" for severity in Severity], count)),
                "capacity": Table(
                    keys={
                        "max_failed_thresholds": count,
                        "max_error_rate": share_or_unlimited,
                        "max_percentiles_ms": Table(
                            read=milliseconds,
                            fits=lambda name: _PERCENTILE.fullmatch(name) is not None,
                            allowed='a percentile such as p95 or "p99.9"',
                        ),
                    }
                ),
                "uat": Table(keys={"min_pass_rate": share, "max_flaky": count}),
                "guard": Table(keys={"max_failed": count}),
            }
        ),
        "counting": Table(keys=_each(["mismatched", "late"], enforcement)),
        "approval": Table(keys={"approvers": approvers, "four_eyes": switch, "by": patterns}),
        "waivers": Table(keys={"by": patterns, "gates": gates, "max_duration": duration, "counts_as": bites}),
    }
)
"""The tables of a rule beside its selectors and its description."""
