"""Options that several commands share, and how their text is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.config import PolicyFile, read_policy, read_settings
from app.domain.errors import Invalid
from app.domain.moments import parse_iso
from app.domain.policy_settings import UNLIMITED, Unfit, duration


class Format(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


BundleOption = Annotated[str, typer.Option("--bundle", metavar="KEY", help="The bundle's key, or its id.")]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="The policy; else EVIDENCE_POLICY, else the default one."),
]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="Answer with what was known at this time; else now.")
]
ActorOption = Annotated[
    str | None, typer.Option("--actor", envvar="EVIDENCE_ACTOR", help="Who does it; else the user's name.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="For people, for machines, for a merge request.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")]


def policy_file(path: Path | None) -> PolicyFile:
    """The policy of --policy, else of the settings."""
    settings = read_settings()
    return read_policy(path or settings.policy, settings.catalogue)


def moment(text: str | None, option: str) -> datetime | None:
    """A time with its zone, or a day, which means its start in UTC."""
    if text is None:
        return None
    try:
        return datetime.combine(datetime.strptime(text, "%Y-%m-%d").date(), datetime.min.time(), UTC)  # noqa: DTZ007
    except ValueError:
        return parse_iso(text, field=option)


def expiry(text: str | None) -> datetime | timedelta | None:
    """A time, or a duration such as 7d from now on."""
    if text is None:
        return None
    try:
        seconds = duration(text)
    except Unfit:
        if text[:4].isdigit() and "-" in text:
            return moment(text, "expires")
        raise Invalid(
            f"expires must be a duration such as 7d or 12h, or a time such as 2026-06-01T12:00:00Z, not {text[:40]!r}",
            field="expires",
        ) from None
    if seconds is None:
        raise Invalid(f"expires cannot be {UNLIMITED}; give a duration or a time", field="expires")
    return timedelta(seconds=seconds)
