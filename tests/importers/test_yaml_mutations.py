"""Broken copies of the YAML samples, their structure bent as that of the JSON ones is, give a batch or a rejection."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from app.importers import registry
from app.importers.base import Artifact
from app.importers.describe import describe
from tests.importers.mutations import mutations

HERE = Path(__file__).parent
SAMPLES = sorted(path for path in HERE.glob("*/*.yaml") if path.with_suffix(".expected.json").exists())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_bent_yaml_gives_a_batch_or_a_rejection(path: Path) -> None:
    documents = list(yaml.load_all(path.read_text("utf-8"), Loader=yaml.BaseLoader))
    bent_and_read = 0
    for broken in mutations(json.dumps(documents).encode(), seed=len(documents), count=60):
        try:
            bent = json.loads(broken)
            text = yaml.safe_dump_all(bent if isinstance(bent, list) else [bent], sort_keys=False)
        except ValueError:
            continue
        artifact = Artifact.of_bytes(path.name, text.encode("utf-8", "surrogatepass"))
        for format in (None, path.parent.name.replace("_", "-")):
            json.dumps(describe(path.name, registry.read(artifact, format)), allow_nan=False)
        bent_and_read += 1
    assert bent_and_read > 20
