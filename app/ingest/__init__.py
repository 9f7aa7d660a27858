"""Detect, parse, one idempotent transaction: the one way by which evidence comes in.

`import_artifact` takes one artifact, `find` lists what lies in folders and archives, `import_entries` takes many;
`ensure_bundle` and `write_batch` are for writers that have a transaction of their own.
"""

from app.ingest.artifacts import ImportOutcome, ImportRequest, Together, import_artifact, record
from app.ingest.batches import Written, write_batch
from app.ingest.bundles import Bundle, BundleRequest, check_bundle, ensure_bundle
from app.ingest.folders import Entry, find
from app.ingest.parsing import Parsed, read_artifact
from app.ingest.pipeline import Readers, import_entries
from app.ingest.rows import Origin
from app.ingest.standing import Status

__all__ = [
    "Bundle",
    "BundleRequest",
    "Entry",
    "ImportOutcome",
    "ImportRequest",
    "Origin",
    "Parsed",
    "Readers",
    "Status",
    "Together",
    "Written",
    "check_bundle",
    "ensure_bundle",
    "find",
    "import_artifact",
    "import_entries",
    "read_artifact",
    "record",
    "write_batch",
]
