"""Which report counts, told by a program that keeps everything and knows nothing but the rules of design/domain.md.

Reports are kept in the order in which they came; what is in force is told by going through all of them again. Times are
numbers: those before 0 lie before the first import, import n came at n.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.ingest.sent import Report, Sent

BAD = {"passed": 0, "warned": 1, "inconclusive": 3, "failed": 4, "error": 5}


@dataclass
class Check:
    """The reports that came for one check, and which of them is in force; None: none, it was withdrawn."""

    name: str
    known: Report
    force: tuple[Report, str, float] | None = None
    seen: list[tuple[str, str]] = field(default_factory=list)
    late: list[tuple[str, str]] = field(default_factory=list)
    touched: int = -1
    changed: float = 0


@dataclass
class Gateway:
    """All checks, in the order in which their first reports came."""

    checks: list[Check] = field(default_factory=list)
    clock: float = 0

    def in_force(self) -> list[tuple[str, str, str]]:
        """Name, digest and run of every report that counts or is shown."""
        told = [(check.name, check.force[0].digest, check.force[1]) for check in self.checks if check.force]
        return sorted(told)

    def withdraw(self, name: str, digest: str, run: str) -> None:
        """Somebody withdraws the first of the reports in force that are so called."""
        self.clock += 1
        for check in self.checks:
            if check.force and (check.name, check.force[0].digest, check.force[1]) == (name, digest, run):
                check.force, check.changed = None, self.clock
                return

    def withdraw_late(self, name: str, digest: str, run: str) -> None:
        """Somebody withdraws a report that came late: what is in force stays."""
        self.clock += 1
        for check in self.checks:
            if check.name == name and (digest, run) in check.late:
                check.late.remove((digest, run))
                return

    def late(self) -> list[tuple[str, str, str]]:
        """Name, digest and run of every report that came late and was not withdrawn."""
        return sorted((check.name, *told) for check in self.checks for told in check.late)

    def send(self, sent: Sent) -> str:
        """What becomes of a report."""
        self.clock += 1
        report = sent.report
        check = self.check_of(sent)
        if check is None:
            first = not [each for each in self.checks if each.name == sent.name and not each.known.foreign]
            check = Check(sent.name, report)
            self.checks.append(check)
            self.put(check, sent)
            return "mismatched" if report.foreign else "created" if first else "apart"
        if check.force and check.force[0].digest == report.digest:
            if not sent.run or (report.digest, sent.run) in check.seen:
                check.touched = sent.together
                return "unchanged"
            self.put(check, sent)
            return "confirmed"
        if check.force and self.is_late(report, check.force):
            if (report.digest, sent.run) not in check.late:
                check.late.append((report.digest, sent.run))
            check.touched = sent.together
            return "late"
        self.put(check, sent)
        return "mismatched" if report.foreign else "superseded"

    def put(self, check: Check, sent: Sent) -> None:
        """Let a report come into force. One that tells nothing of itself leaves the check known as it was."""
        check.force = (sent.report, sent.run, self.clock)
        check.seen.append((sent.report.digest, sent.run))
        check.touched, check.changed = sent.together, self.clock
        if not sent.report.tests or sent.report.own or sent.report.target or sent.report.holds:
            check.known = sent.report

    def is_late(self, report: Report, force: tuple[Report, str, float]) -> bool:
        """Whether what is in force was made after the report, or, where only the report says when, is worse."""
        standing, _, received = force
        if report.made is None:
            return False
        if standing.made is not None:
            return report.made < min(standing.made, received)
        return report.made < received and BAD[report.result] < BAD[standing.result]

    def check_of(self, sent: Sent) -> Check | None:
        """The check that a report is of."""
        report = sent.report
        of_name = [check for check in self.checks if check.name == sent.name]
        rivals = [check for check in of_name if (check.known.foreign, report.foreign) in ((False, False), (True, True))]
        rivals = [check for check in rivals if not report.foreign or check.known.commit == report.commit]
        held = [check for check in rivals if check.force and check.force[0].digest == report.digest]
        free = [check for check in rivals if check.touched != sent.together or check in held]
        fitting = [check for check in free if same(check.known, report, sent.named)]
        silent = report.tests and not (report.own or report.target or report.holds)
        if not fitting and silent and len(of_name) == 1 and free:
            known = free[0].known
            fitting = free if known.tests and (not known.tool or not report.tool or known.tool == report.tool) else []
        return min(
            fitting, key=lambda each: (each not in held, -common(each.known, report), each.changed), default=None
        )


def same(known: Report, report: Report, named: bool) -> bool:
    """Whether two reports are of one check."""
    if known.tests and report.tests and named:
        return True
    if [getattr(known, name) for name in SHARED] != [getattr(report, name) for name in SHARED]:
        return False
    if known.own or (not known.tests and known.target):
        return True
    if not known.holds or not report.holds:
        return known.holds == report.holds or (named and not known.tests)
    return common(known, report) >= 0.5


def common(known: Report, report: Report) -> float:
    """What part of the smaller of two sets both hold."""
    smaller = min(len(known.holds), len(report.holds))
    return len(known.holds & report.holds) / smaller if smaller else float(known.holds == report.holds)


SHARED = ("tests", "tool", "target", "own")
"""What two reports of one check have in common, where nobody named it."""
