"""What the CI that runs an import says of itself: which run, which job. Pure: the environment is given.

Sources: each provider's documentation of its predefined variables. A run is the pipeline's, the same for all its jobs
and another when the whole pipeline is started anew; a job is called the same from run to run. Parallel copies of a job
are told apart where the provider numbers them. The legs of a GitHub matrix are not numbered: `--job` tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.importers.base import clip, link

LIMIT = 150
"""Characters of a run and of a job."""


@dataclass(frozen=True, slots=True)
class Ci:
    """A CI's run and job, "" where it does not say; `url` is the page of the job or run."""

    provider: str = ""
    run: str = ""
    job: str = ""
    url: str = ""


def detect(environment: Mapping[str, str]) -> Ci:
    """The CI that runs this, by the variable that each sets to say so; without one, nothing is known."""

    def told(*names: str) -> str:
        spoken = (" ".join(clip(environment.get(name, ""), LIMIT).split()) for name in names)
        return next(filter(None, spoken), "")

    def shard(job: str, index: str, total: str) -> str:
        """The job with its number among copies of it that run side by side."""
        number, of = told(index), told(total)
        alone = not job or not number.isdigit() or not of.isdigit() or int(of) < 2
        return job if alone else clip(f"{job} {number}/{of}", LIMIT)

    if told("GITLAB_CI"):
        # The name of a parallel job holds its number already.
        return Ci("GitLab", told("CI_PIPELINE_ID"), told("CI_JOB_NAME"), link(environment.get("CI_JOB_URL")))
    if told("GITHUB_ACTIONS"):
        run, attempt = told("GITHUB_RUN_ID"), told("GITHUB_RUN_ATTEMPT")
        page = f"{told('GITHUB_SERVER_URL')}/{told('GITHUB_REPOSITORY')}/actions/runs/{run}"
        again = f"{run}/{attempt}" if run and attempt not in ("", "1") else run
        return Ci("GitHub", again, told("GITHUB_JOB"), link(page))
    if told("TF_BUILD"):
        job = shard(told("SYSTEM_JOBNAME", "AGENT_JOBNAME"), "SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE")
        page = f"{told('SYSTEM_COLLECTIONURI').rstrip('/')}/{told('SYSTEM_TEAMPROJECT')}/_build/results"
        return Ci("Azure", told("BUILD_BUILDID"), job, link(f"{page}?buildId={told('BUILD_BUILDID')}"))
    if told("CIRCLECI"):
        job = shard(told("CIRCLE_JOB"), "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL")
        return Ci("CircleCI", told("CIRCLE_WORKFLOW_ID"), job, link(environment.get("CIRCLE_BUILD_URL")))
    if told("BUILDKITE"):
        named = told("BUILDKITE_STEP_KEY", "BUILDKITE_LABEL")
        job = shard(named, "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT")
        return Ci("Buildkite", told("BUILDKITE_BUILD_ID"), job, link(environment.get("BUILDKITE_BUILD_URL")))
    if told("JENKINS_URL", "JENKINS_HOME") and told("BUILD_NUMBER", "BUILD_ID"):
        stage = told("STAGE_NAME")
        job = clip(" ".join(filter(None, (told("JOB_NAME"), stage))), LIMIT)
        return Ci("Jenkins", told("BUILD_TAG", "BUILD_ID", "BUILD_NUMBER"), job, link(environment.get("BUILD_URL")))
    return Ci()
