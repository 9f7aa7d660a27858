"""Runs and jobs as each CI's documentation says that its environment names them."""

from __future__ import annotations

import pytest

from app.ingest.ci import LIMIT, Ci, detect

GITLAB = {
    "GITLAB_CI": "true",
    "CI": "true",
    "CI_PIPELINE_ID": "1234567",
    "CI_JOB_ID": "98765",
    "CI_JOB_NAME": "unit 1/3",
    "CI_NODE_INDEX": "1",
    "CI_NODE_TOTAL": "3",
    "CI_JOB_URL": "https://gitlab.example.org/team/portal/-/jobs/98765",
}
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_RUN_ID": "1658821493",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_RUN_NUMBER": "3",
    "GITHUB_JOB": "greeting_job",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "octocat/Hello-World",
}
JENKINS = {
    "JENKINS_URL": "https://ci.example.org/jenkins/",
    "BUILD_NUMBER": "153",
    "BUILD_ID": "153",
    "BUILD_TAG": "jenkins-portal-main-153",
    "JOB_NAME": "portal/main",
    "STAGE_NAME": "Test",
    "BUILD_URL": "https://ci.example.org/jenkins/job/portal/job/main/153/",
}
AZURE = {
    "TF_BUILD": "True",
    "BUILD_BUILDID": "4242",
    "BUILD_BUILDNUMBER": "20261127.1",
    "SYSTEM_JOBNAME": "unit",
    "AGENT_JOBNAME": "Job",
    "SYSTEM_JOBPOSITIONINPHASE": "2",
    "SYSTEM_TOTALJOBSINPHASE": "4",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/fabrikam/",
    "SYSTEM_TEAMPROJECT": "portal",
}
CIRCLE = {
    "CIRCLECI": "true",
    "CIRCLE_WORKFLOW_ID": "5034460f-c7c4-4c43-9457-de07e2029e7b",
    "CIRCLE_BUILD_NUM": "25",
    "CIRCLE_JOB": "build",
    "CIRCLE_NODE_INDEX": "0",
    "CIRCLE_NODE_TOTAL": "2",
    "CIRCLE_BUILD_URL": "https://circleci.com/gh/org/portal/25",
}
BUILDKITE = {
    "BUILDKITE": "true",
    "BUILDKITE_BUILD_ID": "0184990a-477b-4fa8-9968-496074483cee",
    "BUILDKITE_BUILD_NUMBER": "1514",
    "BUILDKITE_STEP_KEY": "unit",
    "BUILDKITE_LABEL": ":python: unit",
    "BUILDKITE_BUILD_URL": "https://buildkite.com/acme/portal/builds/1514",
}


@pytest.mark.parametrize(
    ("environment", "run", "job"),
    [
        (GITLAB, "1234567", "unit 1/3"),
        (GITHUB, "1658821493", "greeting_job"),
        (JENKINS, "jenkins-portal-main-153", "portal/main Test"),
        (AZURE, "4242", "unit 2/4"),
        (CIRCLE, "5034460f-c7c4-4c43-9457-de07e2029e7b", "build 0/2"),
        (BUILDKITE, "0184990a-477b-4fa8-9968-496074483cee", "unit"),
    ],
    ids=["GitLab", "GitHub", "Jenkins", "Azure", "CircleCI", "Buildkite"],
)
def test_each_provider(request: pytest.FixtureRequest, environment: dict[str, str], run: str, job: str) -> None:
    found = detect(environment)
    assert (found.run, found.job) == (run, job)
    assert found.provider == request.node.callspec.id
    assert found.url.startswith("https://")


def test_another_attempt_is_another_run() -> None:
    assert detect(GITHUB | {"GITHUB_RUN_ATTEMPT": "2"}).run == "1658821493/2"


def test_copies_of_a_job_are_told_apart() -> None:
    assert detect(CIRCLE).job != detect(CIRCLE | {"CIRCLE_NODE_INDEX": "1"}).job
    several = BUILDKITE | {"BUILDKITE_PARALLEL_JOB": "0", "BUILDKITE_PARALLEL_JOB_COUNT": "3"}
    assert detect(several).job == "unit 0/3"


@pytest.mark.parametrize(
    "environment",
    [{}, {"CI": "true"}, {"GITHUB_RUN_ID": "1"}, {"BUILD_NUMBER": "7", "JOB_NAME": "x"}, {"CI_PIPELINE_ID": "1"}],
)
def test_half_an_environment_says_nothing(environment: dict[str, str]) -> None:
    assert detect(environment) == Ci()


def test_what_is_set_is_bounded_and_printable() -> None:
    found = detect(GITLAB | {"CI_JOB_NAME": "a\x1b[31m\nb" + "x" * 10_000, "CI_JOB_URL": "javascript:alert(1)"})
    assert len(found.job) <= LIMIT
    assert found.job.isprintable()
    assert found.url == ""
