"""What `evidence import` and `evidence inspect` show: a bar on a terminal, plain lines elsewhere, a table last."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from types import TracebackType
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from app.ingest import ImportOutcome, Status

PIPE_WIDTH = 2_000
TOLD = 200
"""Rejected files that the table names; the lines and --json tell of all."""

_WORDS = {
    Status.CREATED: "taken",
    Status.UNCHANGED: "unchanged",
    Status.SUPERSEDED: "superseded",
    Status.CONFIRMED: "confirmed",
    Status.LATE: "late",
    Status.APART: "apart",
    Status.MISMATCHED: "mismatched",
    Status.REJECTED: "rejected",
}


_ALWAYS = (Status.CREATED, Status.UNCHANGED, Status.SUPERSEDED, Status.REJECTED)
_STYLES = {Status.LATE: "yellow", Status.APART: "yellow", Status.MISMATCHED: "red", Status.REJECTED: "red"}
"""What somebody should look at, in its colour."""


class ImportReport:
    """Tells of each outcome as it comes, and of all of them at the end. A context: the bar shows inside it."""

    def __init__(self, total: int, as_json: bool) -> None:
        self._total = total
        self._json = as_json
        self._console = Console(stderr=True)
        self._progress: Progress | None = None
        self._start = time.perf_counter()
        self._files: Counter[Status] = Counter()
        self._rows: Counter[Status] = Counter()
        self._tables: Counter[str] = Counter()
        self._refused: list[ImportOutcome] = []
        self._remarkable: list[ImportOutcome] = []

    @property
    def done(self) -> int:
        """Files told of."""
        return self._files.total()

    @property
    def rejected(self) -> int:
        """Files of which nothing was taken."""
        return self._files[Status.REJECTED]

    def __enter__(self) -> ImportReport:
        if self._console.is_terminal:
            self._progress = Progress(
                TextColumn("importing"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("files  {task.fields[rate]:,.0f} rows/s"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._progress.add_task("import", total=self._total, rate=0.0)
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def add(self, outcome: ImportOutcome) -> None:
        """Tell of one file."""
        self._files[outcome.status] += 1
        self._rows[outcome.status] += sum(outcome.rows.values())
        self._tables.update(outcome.rows)
        if outcome.status is Status.REJECTED and len(self._refused) < TOLD:
            self._refused.append(outcome)
        if outcome.status in _STYLES and outcome.status is not Status.REJECTED and len(self._remarkable) < TOLD:
            self._remarkable.append(outcome)
        if self._json:
            typer.echo(json.dumps(outcome_json(outcome)))
        elif self._progress is None:
            typer.echo(_line(outcome))
        if self._progress is not None:
            rate = self._rows.total() / max(self._seconds(), 0.001)
            self._progress.update(self._progress.task_ids[0], advance=1, rate=rate)

    def _seconds(self) -> float:
        return time.perf_counter() - self._start

    def finish(self) -> None:
        """The table, or with JSON the last object."""
        seconds = self._seconds()
        if self._json:
            files = {status.value: self._files[status] for status in Status}
            summary = {"files": self.done, **files, "rows": dict(self._tables), "seconds": round(seconds, 3)}
            typer.echo(json.dumps({"summary": summary}))
            return
        console = _console()
        table = Table(box=box.SIMPLE, title_justify="left")
        table.add_column("files")
        table.add_column("count", justify="right")
        table.add_column("rows", justify="right")
        for status in Status:
            if self._files[status] or status in _ALWAYS:
                word = Text(_WORDS[status], style=_STYLES.get(status, ""))
                table.add_row(word, f"{self._files[status]:,}", f"{self._rows[status]:,}")
        console.print(table)
        for outcome in self._remarkable:
            console.print(Text(_printable(f"{_WORDS[outcome.status]}: {outcome.name}: {outcome.sentence}")))
        if self._refused:
            refused = Table(box=box.SIMPLE)
            refused.add_column("rejected", overflow="fold")
            refused.add_column("why", overflow="fold")
            for outcome in self._refused:
                refused.add_row(Text(_printable(_place(outcome))), Text(_printable(outcome.reason or "")))
            console.print(refused)
            if self.rejected > TOLD:
                console.print(f"and {self.rejected - TOLD:,} more; --json tells of all")
        rate = f"{self.done / max(seconds, 0.001):,.0f} files/s, {self._rows.total() / max(seconds, 0.001):,.0f} rows/s"
        typer.echo(f"{self.done:,} files in {seconds:.1f} s: {rate}")


def outcome_json(outcome: ImportOutcome) -> dict[str, Any]:
    """One file's outcome as `--json` prints it."""
    told: dict[str, Any] = {"file": outcome.name, "status": outcome.status.value, "format": outcome.format}
    if outcome.status is Status.REJECTED:
        told["reason"] = outcome.reason
        told |= {name: value for name in ("line", "column") if (value := getattr(outcome, name)) is not None}
    else:
        told |= {
            "created": outcome.created,
            "source_key": outcome.source_key,
            "item_ids": [str(item) for item in outcome.item_ids],
            "rows": outcome.rows,
            "sentence": outcome.sentence,
        }
    return told | {"seconds": round(outcome.seconds, 4)}


def _place(outcome: ImportOutcome) -> str:
    return ":".join(str(part) for part in (outcome.name, outcome.line, outcome.column) if part is not None)


def _line(outcome: ImportOutcome) -> str:
    word = f"{_WORDS[outcome.status]:<10}"
    if outcome.status is Status.REJECTED:
        return _printable(f"{word} {_place(outcome)}: {outcome.reason}")
    rows = sum(outcome.rows.values())
    counted = f"{rows} row{'' if rows == 1 else 's'}"
    return _printable(f"{word} {outcome.name}  {outcome.source_key}  {counted}: {outcome.sentence}")


def _printable(text: str) -> str:
    """One line that no terminal takes for a command, whatever a file is named."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _console() -> Console:
    # a pipe has no width: a row stays one line there, for whoever searches it
    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)


def inspect_table(told: list[dict[str, Any]]) -> None:
    """What the importers made of files, for people."""
    table = Table(box=box.SIMPLE)
    for heading in ("file", "format", "what it is", "result"):
        table.add_column(heading, overflow="fold")
    for document in told:
        cells = (document["file"], document["format"] or "", *_made(document))
        table.add_row(*(Text(_printable(cell)) for cell in cells))
    _console().print(table)


def _made(document: dict[str, Any]) -> tuple[str, str]:
    if not document["accepted"]:
        place = ":".join(str(document[name]) for name in ("line", "column") if name in document)
        return f"{document['reason']}{f' (at {place})' if place else ''}", "rejected"
    parts = [item["title"] for item in document["items"]]
    parts += [f"{gate['gate']} gate: {gate['summary']}" for gate in document["gates"]]
    for noun in ("invariants", "components", "guards"):
        if document[noun]:
            count = len(document[noun])
            parts.append(f"{count} {noun if count > 1 else noun[:-1]}")
    results = [row["result"] for noun in ("items", "gates", "guards") for row in document[noun]]
    results += [row["status"] for row in document["components"]] if not results else []
    return "; ".join(parts), ", ".join(dict.fromkeys(results))
