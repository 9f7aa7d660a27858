"""What holds of every importer, whatever it is given: bytes never raise, and spelling does not change meaning."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from defusedxml import ElementTree as SafeElementTree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.importers import registry
from app.importers.base import Artifact
from app.importers.describe import describe
from app.importers.registry import FORMATS
from tests.importers.test_samples import assert_storable, samples

pytestmark = pytest.mark.filterwarnings("error")

FORMAT = st.sampled_from([None, *sorted(FORMATS)])
THOROUGH = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Words that importers look for, so that random structures get past the door now and then.
KEYS = (
    "version", "runs", "tool", "driver", "rules", "results", "ruleId", "level", "vulnerabilities", "scan", "type",
    "status", "name", "id", "location", "identifiers", "severity", "Results", "SchemaVersion", "matches", "artifact",
    "bomFormat", "components", "metrics", "thresholds", "checks", "suites", "specs", "tests", "stats", "elements",
    "steps", "keyword", "uri", "payload", "payloadType", "signatures", "predicate", "subject", "statements",
    "alerts", "apiVersion", "kind", "metadata", "items", "conditions", "state", "projectStatus", "check_runs",
    "fingerprint", "description", "title", "summary", "data",
)  # fmt: skip
WORDS = st.sampled_from(KEYS)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | WORDS
    | st.sampled_from(["2.1.0", "CycloneDX", "failed", "passed", "error", "high", "2024-01-01T00:00:00Z", "sast"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=6),
    max_leaves=30,
)
ELEMENTS = (
    "testsuites", "testsuite", "testcase", "testrun", "failure", "error", "skipped", "properties", "property",
    "flakyFailure", "bom", "components", "vulnerabilities", "coverage", "packages", "class", "lines", "line",
    "test-run", "test-suite", "test-case", "assemblies", "assembly", "collection", "test", "TestRun", "Results",
    "UnitTestResult", "test-results", "system-out", "a",
)  # fmt: skip
TAGS = st.sampled_from(ELEMENTS)
NAMES = (
    "name", "classname", "time", "timestamp", "status", "result", "tests", "failures", "value", "line", "hits",
    "outcome", "id",
)  # fmt: skip
ATTRIBUTES = st.dictionaries(
    st.sampled_from(NAMES),
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), max_size=12)
    | st.sampled_from(["invariant", "PI-LAUNCH-001", "-1", "1e999", "2024-01-01T00:00:00", "Failed", "1,234.5"]),
    max_size=4,
)


@st.composite
def _elements(draw: st.DrawFn) -> ElementTree.Element:
    root = ElementTree.Element(draw(TAGS), draw(ATTRIBUTES))
    made = [root]
    for _ in range(draw(st.integers(0, 8))):
        parent = draw(st.sampled_from(made))
        made.append(ElementTree.SubElement(parent, draw(TAGS), draw(ATTRIBUTES)))
        made[-1].text = draw(st.sampled_from([None, "text", "PI-LAUNCH-001", "\n  "]))
    return root


BYTES = (
    st.binary(max_size=200)
    | st.builds(
        bytes.__add__, st.sampled_from([b"{", b"[", b"<", b"\xef\xbb\xbf", b"---\n", b"a,b\n"]), st.binary(max_size=100)
    )
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.lists(VALUES, min_size=1, max_size=4).map(lambda lines: "\n".join(map(json.dumps, lines)).encode())
    | _elements().map(ElementTree.tostring)
)


def _told(data: bytes, format: str | None = None) -> dict[str, Any]:
    return describe("artifact", registry.read(Artifact.of_bytes("artifact", data), format))


@THOROUGH
@given(BYTES, FORMAT)
def test_any_bytes_give_a_batch_or_a_rejection(data: bytes, format: str | None) -> None:
    told = _told(data, format)
    assert told["accepted"] or told["reason"]
    assert_storable(told)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _json_samples() -> list[Path]:
    return [path for path in samples() if _document(path) is not None]


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8-sig"), object_pairs_hook=_once)
    except ValueError:
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is given twice: it cannot be spelled again")
    return made


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: _shuffled(value[key], chance) for key in keys}
    return [_shuffled(inner, chance) for inner in value] if isinstance(value, list) else value


def _spelled(document: Any) -> Iterator[bytes]:
    """The document with other white space, other escapes, other encodings."""
    yield json.dumps(document, separators=(",", ":")).encode()
    yield json.dumps(document, indent=3, separators=(" , ", " : "), ensure_ascii=False).encode(
        "utf-8-sig", "surrogatepass"
    )
    yield json.dumps(document, indent="\t", ensure_ascii=False).replace("\n", "\r\n").encode("utf-16", "surrogatepass")


@pytest.mark.parametrize("path", _json_samples(), ids=_name)
def test_the_spelling_of_json_changes_nothing(path: Path) -> None:
    before = _told(path.read_bytes())
    for spelled in _spelled(_document(path)):
        assert _placeless(_told(spelled)) == _placeless(before)


@pytest.mark.parametrize("path", _json_samples(), ids=_name)
def test_the_order_of_keys_changes_no_more_than_order(path: Path) -> None:
    """What a format keeps by name, such as the parts of a health document, is told in the order of the names."""
    chance = random.Random(path.name)  # noqa: S311 - repeatability, not secrecy
    document = _document(path)
    before = _told(path.read_bytes())
    for _ in range(3):
        told = _told(json.dumps(_shuffled(document, chance)).encode())
        assert told["format"] == before["format"]
        assert told["accepted"] == before["accepted"]
        if told["accepted"]:
            assert _orderless(told) == _orderless(before)


@pytest.mark.parametrize(
    "path",
    [path for path in samples() if path.read_bytes().lstrip(b"\xef\xbb\xbf").startswith(b"<")],
    ids=_name,
)
def test_the_spelling_of_xml_changes_nothing(path: Path) -> None:
    """Attributes in another order, prefixes renamed, CDATA escaped, comments dropped: the same batch."""
    try:
        root = SafeElementTree.fromstring(path.read_bytes())
    except (ElementTree.ParseError, ValueError):
        pytest.skip("not well-formed, with entities, or with characters that only a forgiving reader takes")
    for element in root.iter():
        element.attrib = dict(reversed(element.attrib.items()))
    before = _told(path.read_bytes())
    for encoding in ("utf-8", "utf-16"):
        assert _placeless(_told(ElementTree.tostring(root, encoding))) == _placeless(before)


def _placeless(told: dict[str, Any]) -> dict[str, Any]:
    """All but the place of a fault, which spelling does move."""
    return {key: value for key, value in told.items() if key not in ("line", "column")}


def _orderless(value: Any) -> Any:
    """The value with arrays, and the words of sentences, in an order of their own."""
    if isinstance(value, dict):
        return {key: _orderless(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted((_orderless(inner) for inner in value), key=lambda inner: json.dumps(inner, sort_keys=True))
    return sorted(re.findall(r"[^\s,;]+", value)) if isinstance(value, str) else value
