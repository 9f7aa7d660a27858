"""`evidence import` and `evidence inspect`."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated

import typer

from app.cli.base import command, database_url, fail, user
from app.cli.import_report import ImportReport, inspect_table
from app.config import read_settings
from app.db.pool import Database
from app.domain.errors import Invalid, Unavailable
from app.domain.evidence import BundleKind, EvidenceType
from app.importers.base import Rejected
from app.importers.describe import describe
from app.importers.registry import FORMATS
from app.ingest import BundleRequest, Entry, ImportRequest, Readers, check_bundle, find, import_entries
from app.ingest.ci import detect

MANY = 20
"""Files from which on several processes read them, unless --jobs says otherwise."""

Paths = Annotated[list[Path], typer.Argument(metavar="PATH", help="Files, folders, zip or tar archives.")]
Format = Annotated[str | None, typer.Option("--format", help="Take every file as this format; else it is detected.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line and a file, for machines.")]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, max=64, help="Processes that read files.")]

Run = Annotated[
    str | None, typer.Option("--run", help="The pipeline's run; else the CI's, where one runs this. \"\" for none.")
]
Job = Annotated[
    str | None,
    typer.Option(
        "--job",
        help='The CI\'s job, which names checks; else as the CI says. "" for none. A matrix adds its values, as in '
        '"$GITHUB_JOB ${{ matrix.python }}".',
    ),
]


@command("import")
def import_(
    paths: Paths,
    bundle: Annotated[
        str | None,
        typer.Option("--bundle", metavar="KEY", help="The bundle's key, or its id; status alone goes without."),
    ] = None,
    kind: Annotated[BundleKind | None, typer.Option("--kind", help="What a new bundle is.")] = None,
    environment: Annotated[str | None, typer.Option("--environment", help="Where a new bundle is to run.")] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="Deployment profile; new ones: standard.")] = None,
    product: Annotated[str | None, typer.Option("--product", help="The product of a new bundle.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="A line for people; used for a new bundle.")] = None,
    version: Annotated[str | None, typer.Option("--version", help="The version that ships.")] = None,
    commit: Annotated[str | None, typer.Option("--commit", help="The commit it was built from.")] = None,
    evidence_type: Annotated[
        EvidenceType | None, typer.Option("--type", help="The evidence type of the items; else the importer says.")
    ] = None,
    format: Format = None,
    source_key: Annotated[
        str | None, typer.Option("--source-key", help="Names the check, for exactly one file.")
    ] = None,
    run: Run = None,
    job: Job = None,
    replaces: Annotated[
        str | None,
        typer.Option("--replaces", metavar="KEY", help="What a renamed check was called; gives way. For one file."),
    ] = None,
    component: Annotated[
        str | None, typer.Option("--component", help="Names what a health document without a name tells of.")
    ] = None,
    actor: Annotated[
        str | None, typer.Option("--actor", envvar="EVIDENCE_ACTOR", help="Who imports; else the user's name.")
    ] = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Import artifacts as evidence for a bundle; again is harmless, a newer report of a check supersedes the older.

    Without --bundle, the status of components can be imported for an --environment.

    Ends with 0 when all files were taken, 1 when some were rejected (the others are in), 2 on misuse.
    """
    _known(format)
    settings = read_settings()
    if bundle is None and environment is None:
        fail("name the bundle with --bundle KEY; status of components alone goes with --environment NAME")
    ci = detect(os.environ)
    request = ImportRequest(
        None if bundle is None else BundleRequest(bundle, kind, environment, profile, product, title, version, commit),
        actor or user(),
        evidence_type,
        format,
        source_key,
        run=ci.run if run is None else run,
        job=ci.job if job is None else job,
        replaces=replaces,
        component=component,
        environment=environment,
    )
    entries = _entries(paths)
    single = len(entries) == 1 and entries[0].archive is None and not paths[0].is_dir()
    for option, given in (("--source-key", source_key), ("--replaces", replaces), ("--component", component)):
        if given is not None and not single:
            fail(f"{option} names one check, so it goes with exactly one file")
    report = ImportReport(len(entries), as_json)
    # The readers come first: they are forked, and must not share a connection or the lock of the data folder.
    with Readers(_jobs(jobs, entries)) as readers, database_url(settings, migrated=True) as dsn:
        asyncio.run(_import(dsn, settings.statement_timeout, request, entries, readers, report))
    report.finish()
    if report.rejected:
        raise typer.Exit(1)


async def _import(
    dsn: str,
    statement_timeout: float,
    request: ImportRequest,
    entries: list[Entry],
    readers: Readers,
    report: ImportReport,
) -> None:
    database = await Database.connect(
        dsn, size=1, statement_timeout=statement_timeout, application_name="evidence-import"
    )
    try:
        if request.bundle is not None:
            await check_bundle(database, request.bundle)
        with report:
            async for outcome in import_entries(database, request, entries, readers):
                report.add(outcome)
    except Unavailable as error:
        if report.done:
            taken = report.done - report.rejected
            raise Unavailable(
                f"{error.message} ({taken} of {len(entries)} files are in; run the same command again for the rest)"
            ) from error
        raise
    finally:
        await database.close()


@command("inspect")
def inspect(paths: Paths, format: Format = None, job: Job = None, jobs: Jobs = None, as_json: AsJson = False) -> None:
    """Show what the importers make of files, without any database.

    Ends with 0 when all files are accepted, 1 when some are rejected, 2 on misuse.
    """
    _known(format)
    entries = _entries(paths)
    told = []
    rejected = 0
    named = detect(os.environ).job if job is None else job
    with Readers(_jobs(jobs, entries)) as readers:
        for entry, parsed in readers.read(entries, format):
            document = describe(parsed.name, parsed.outcome, stem=entry.stem, job=named)
            if isinstance(parsed.outcome, Rejected):
                rejected += 1
            else:
                document["source_digest"] = parsed.digest
            if as_json:
                typer.echo(json.dumps(document))
            else:
                told.append(document)
    if not as_json:
        inspect_table(told)
    if rejected:
        raise typer.Exit(1)


def _known(format: str | None) -> None:
    if format is not None and format not in FORMATS:
        raise Invalid(f"unknown format {format!r}; the formats are {', '.join(sorted(FORMATS))}", field="format")


def _entries(paths: list[Path]) -> list[Entry]:
    entries = find(paths)
    if not entries:
        fail(f"{', '.join(str(path) for path in paths)}: there is no file in it")
    return entries


def _jobs(asked: int | None, entries: list[Entry]) -> int:
    if asked is not None:
        return min(asked, len(entries))
    return 1 if len(entries) < MANY else min(os.cpu_count() or 1, 4)
