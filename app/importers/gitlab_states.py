"""GitLab's words for the state of pipelines, jobs and deployments, and how several jobs make one result.

Source: GitLab's REST API, "Pipelines", "Jobs" and "Deployments", and its webhook events.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from app.domain.evidence import Result, worst_result
from app.importers.base import clip, link
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


OF_A_COMMIT = ("pipeline", "pipeline-event", "pipelines", "job", "job-event", "jobs", "deployment", "deployments")
"""What ran on the commit that it names; a merge request names that of its branch, which is merged by another."""


def page_of(document: Any) -> str:
    """Where GitLab shows the run, the job or the merge request."""
    told = as_dict(document)
    own = as_dict(told.get("object_attributes"))
    deployable = as_dict(told.get("deployable"))
    job = _job_page(told)
    candidates = (told.get("web_url"), own.get("url"), told.get("deployable_url"), deployable.get("web_url"), job)
    return link(*candidates, as_dict(told.get("_links")).get("self"))


def _job_page(told: dict[str, Any]) -> str:
    """A job's event names its project's page and its number."""
    project = as_text(as_dict(told.get("project")).get("web_url")) or as_text(
        as_dict(told.get("repository")).get("homepage")
    )
    number = as_text(told.get("build_id"))
    return f"{project}/-/jobs/{number}" if project and number else ""


def name_of(document: Any) -> str:
    """What a job, an environment, a branch or a merge request is called, the same from run to run."""
    told = as_dict(document)
    own = as_dict(told.get("object_attributes"))
    environment = told.get("environment")
    environment = as_dict(environment).get("name") if isinstance(environment, dict) else environment
    names = (told.get("build_name"), told.get("name"), environment, own.get("name"), own.get("ref"), told.get("ref"))
    number = as_text(own.get("iid")) or as_text(told.get("iid") if "source_branch" in told else "")
    return clip(next(filter(None, map(as_text, names)), "") or number, 200)


def commit_of(document: Any) -> str:
    """The commit of all that the document tells of; "" where it names none, or more than one."""
    found = set()
    for entry in document if isinstance(document, list) else [document]:
        told = as_dict(entry)
        own, deployable = as_dict(told.get("object_attributes")), as_dict(told.get("deployable"))
        names = (
            told.get("sha"),
            own.get("sha"),
            told.get("checkout_sha"),
            as_dict(told.get("commit")).get("id"),
            as_dict(told.get("commit")).get("sha"),
            as_dict(deployable.get("commit")).get("id"),
            told.get("short_sha"),
        )
        found.add(next(filter(None, map(as_text, names)), ""))
    return clip(found.pop(), 64) if len(found) == 1 else ""
