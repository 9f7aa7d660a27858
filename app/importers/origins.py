"""Which commit an artifact says it is of, and where a person sees its run, as the properties of test reports tell."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from app.domain.checks import same_commit
from app.importers.base import link

_COMMITS = frozenset(
    (
        "commit", "git.commit", "git_commit", "git.commit.id", "git.sha", "git.revision", "commit.id", "commit.sha",
        "vcs.revision", "vcs.commit", "ci.commit", "ci.commit.sha", "env.git_commit", "env.ci_commit_sha",
    )
)  # fmt: skip
"""Names of properties. GitHub's variable is none of them: for a pull request it names a merge of GitHub's own."""

_ADDRESSES = frozenset(
    (
        "run.url", "run_url", "build.url", "build_url", "job.url", "job_url", "report.url", "report_url",
        "pipeline.url", "pipeline_url", "ci.url", "ci.build.url", "env.build_url", "env.ci_job_url",
    )
)  # fmt: skip

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_LIMIT = 20


@dataclass(slots=True)
class Origin:
    """What was told so far."""

    url: str = ""
    commits: set[str] = field(default_factory=set)

    def told(self, name: str, value: str) -> None:
        """Take a property; `name` is in lower case. Most name neither a commit nor an address."""
        if name in _COMMITS:
            self.of_commit(value)
        elif name in _ADDRESSES and not self.url:
            self.url = link(value)

    def of_commit(self, value: str) -> None:
        """Take what is said to be a commit; anything that is none is passed over."""
        word = value.strip().lower()
        if len(self.commits) < _LIMIT and _COMMIT.fullmatch(word):
            self.commits.add(word)

    @property
    def commit(self) -> str:
        """The commit, in full where somebody told it so; "" where none or two were told."""
        longest = max(sorted(self.commits), key=len, default="")
        return longest if all(same_commit(longest, each) for each in self.commits) else ""
