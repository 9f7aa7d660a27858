"""GitLab's words for the state of pipelines, jobs and deployments, and how several jobs make one result.

Source: GitLab's REST API, "Pipelines", "Jobs" and "Deployments", and its webhook events.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from app.domain.evidence import Result, worst_result
from app.importers.base import clip
from app.importers.documents import as_dict, as_text
from app.importers.figures import count, tally

RESULTS = {
    "success": Result.PASSED,
    "failed": Result.FAILED,
    "canceled": Result.ERROR,
    "canceling": Result.ERROR,
    "skipped": Result.SKIPPED,
    "blocked": Result.PENDING,
    "created": Result.PENDING,
    "manual": Result.PENDING,
    "pending": Result.PENDING,
    "preparing": Result.PENDING,
    "running": Result.PENDING,
    "scheduled": Result.PENDING,
    "waiting_for_callback": Result.PENDING,
    "waiting_for_resource": Result.PENDING,
}

JOBS_KEPT = 50


def result_of(status: Any, allow_failure: Any = False) -> Result:
    """What a status means; inconclusive when it is none of GitLab's. A failure that is allowed is a warning."""
    result = RESULTS.get(as_text(status).lower(), Result.INCONCLUSIVE)
    return Result.WARNED if allow_failure is True and result in (Result.FAILED, Result.ERROR) else result


@dataclass(slots=True)
class Jobs:
    """Jobs of a pipeline, or statuses of a commit. The newest run of each counts; those before it are retries."""

    _newest: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    retried: int = 0

    def add(self, job: dict[str, Any]) -> None:
        """Take a job as the API or a webhook gives it."""
        key = (as_text(job.get("stage")), as_text(job.get("name")))
        known = self._newest.get(key)
        if known is not None:
            self.retried += 1
            if (count(known.get("id")) or 0) >= (count(job.get("id")) or 0):
                return
        self._newest[key] = job

    def all(self) -> list[dict[str, Any]]:
        """The newest run of each job."""
        return list(self._newest.values())

    def result(self) -> Result:
        """The worst of the jobs; one that waits for somebody to start it, and may be left out, does not count."""
        results = [
            result_of(job.get("status"), job.get("allow_failure"))
            for job in self._newest.values()
            if not (as_text(job.get("status")) == "manual" and job.get("allow_failure") is True)
        ]
        return worst_result(results)

    def payload(self) -> dict[str, Any]:
        """`jobs_by_status`, and the jobs that neither passed nor were left out."""
        states = Counter(as_text(job.get("status")) for job in self._newest.values())
        troubled = [
            {
                "name": clip(as_text(job.get("name")), 200),
                "stage": clip(as_text(job.get("stage")), 100),
                "status": clip(as_text(job.get("status")), 40),
                "allow_failure": job.get("allow_failure") is True,
                "reason": clip(as_text(job.get("failure_reason")), 200),
            }
            for job in self._newest.values()
            if result_of(job.get("status")) in (Result.FAILED, Result.ERROR, Result.INCONCLUSIVE)
        ]
        told: dict[str, Any] = {"jobs": len(self._newest), "jobs_by_status": tally(states)}
        if self.retried:
            told["retried"] = self.retried
        if troubled:
            told["troubled_jobs"] = troubled[:JOBS_KEPT]
        return told


def person(value: Any) -> str:
    """A user's name as an actor: the username, else the name."""
    told = as_dict(value)
    return clip(as_text(told.get("username")) or as_text(told.get("name")), 120)


def project_of(document: dict[str, Any]) -> str:
    """The project's path, or its name, where the document names one."""
    told = as_dict(document.get("project"))
    name = told.get("path_with_namespace") or told.get("name") or document.get("project_name")
    return clip(as_text(name), 200)
