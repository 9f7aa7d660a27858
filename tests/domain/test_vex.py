"""Which findings a VEX statement answers, and which it must not."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.vex import answered, superseded

BUSYBOX = "pkg:apk/alpine/busybox@1.30.1-r3?arch=x86_64&distro=alpine-3.10.9"


def finding(**more: Any) -> dict[str, Any]:
    return {"id": "CVE-2024-1", "severity": "high", "purl": BUSYBOX} | more


def statement(**more: Any) -> dict[str, Any]:
    return {"vulnerability": "CVE-2024-1", "products": [BUSYBOX], "status": "not_affected"} | more


def is_answered(one: dict[str, Any], *statements: dict[str, Any], subject: tuple[str, ...] = ()) -> bool:
    split = answered([one], statements, subject)
    assert len(split.open) + len(split.answered) == 1
    return bool(split.answered)


@pytest.mark.parametrize("status", ["not_affected", "fixed"])
def test_closing_statuses_answer(status: str) -> None:
    assert is_answered(finding(), statement(status=status))


@pytest.mark.parametrize("status", ["affected", "under_investigation", "", None, 7])
def test_other_statuses_do_not(status: Any) -> None:
    assert not is_answered(finding(), statement(status=status))


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        (BUSYBOX, True),
        ("pkg:apk/alpine/busybox@1.30.1-r3", True),
        ("pkg:apk/alpine/busybox@1.30.1-r3?arch=x86_64", True),
        ("pkg:apk/alpine/busybox", True),
        ("pkg:apk/alpine/busybox@1.30.1-r3?arch=aarch64", False),
        ("pkg:apk/alpine/busybox@1.30.1-r4", False),
        ("pkg:apk/wolfi/busybox@1.30.1-r3", False),
        ("pkg:deb/alpine/busybox@1.30.1-r3", False),
        ("busybox", False),
        ("pkg:", False),
    ],
)
def test_product_must_cover_the_package(product: str, expected: bool) -> None:
    assert is_answered(finding(), statement(products=[product])) is expected


def test_quoting_and_scopes_of_package_urls() -> None:
    one = finding(purl="pkg:npm/%40scope/name@1.0.0")
    assert is_answered(one, statement(products=["pkg:npm/@scope/name"]))
    assert is_answered(one, statement(products=["pkg:npm/@scope/name@1.0.0"]))
    assert not is_answered(one, statement(products=["pkg:npm/name@1.0.0"]))
    assert is_answered(finding(purl="pkg:pypi/Ruamel_yaml@1"), statement(products=["pkg:pypi/ruamel-yaml@1"]))


def test_aliases_on_either_side() -> None:
    ghsa = finding(id="GHSA-aaaa", aliases="CVE-2024-1, SNYK-1")
    assert is_answered(ghsa, statement())
    assert is_answered(finding(id="ghsa-AAAA"), statement(vulnerability="CVE-2024-2", aliases=["GHSA-aaaa"]))
    assert not is_answered(finding(id="CVE-2024-3"), statement())


def test_without_products_nothing_is_answered() -> None:
    assert not is_answered(finding(), statement(products=[]), subject=("alpine:3.10",))


@pytest.mark.parametrize(
    ("product", "subject", "expected"),
    [
        ("pkg:oci/alpine@sha256%3Aab12", "sha256:ab12", True),
        ("pkg:oci/alpine@sha256%3Aab12", "docker.io/library/alpine@sha256:ab12", True),
        ("pkg:oci/alpine@sha256%3Aab12", "docker.io/library/alpine@sha256:ff", False),
        ("pkg:oci/alpine", "registry.example:5000/base/alpine:3.10", True),
        ("pkg:oci/api?repository_url=registry.k8s.io&tag=v1.26.0", "registry.k8s.io/api:v1.26.0", True),
        ("pkg:oci/api?repository_url=registry.k8s.io&tag=v1.26.0", "registry.k8s.io/api:v1.27.0", False),
        ("pkg:oci/api?repository_url=registry.k8s.io/api", "quay.io/api:v1", False),
        ("registry.k8s.io/api:v1", "registry.k8s.io/api:v1", True),
        ("nginx", "nginx:latest", False),
        ("pkg:generic/shop@2", "pkg:generic/shop@2", True),
        ("pkg:generic/shop@1", "pkg:generic/shop@2", False),
    ],
)
def test_product_may_be_what_was_scanned(product: str, subject: str, expected: bool) -> None:
    assert is_answered(finding(), statement(products=[product]), subject=(subject,)) is expected


def test_subcomponents_need_the_product_as_well() -> None:
    said = statement(products=["pkg:oci/shop"], subcomponents=["pkg:apk/alpine/busybox@1.30.1-r3"])
    assert is_answered(finding(), said, subject=("registry/shop:1",))
    assert not is_answered(finding(), said, subject=("registry/other:1",))
    assert not is_answered(finding(), said)
    assert not is_answered(finding(purl="pkg:apk/alpine/musl@1"), said, subject=("registry/shop:1",))


def test_reports_without_package_urls_need_name_and_version() -> None:
    plain = {"id": "CVE-2024-1", "package": "busybox", "version": "1.30.1-r3"}
    assert is_answered(plain, statement())
    assert is_answered(plain | {"package": "alpine:busybox"}, statement())
    assert not is_answered(plain | {"version": "2"}, statement())
    assert not is_answered(plain, statement(products=["pkg:apk/alpine/busybox"]))


def test_newest_statement_holds() -> None:
    early = statement(timestamp="2024-01-01T00:00:00Z")
    late = statement(timestamp="2024-02-01T00:00:00Z", status="affected")
    assert not is_answered(finding(), early, late)
    assert not is_answered(finding(), late, early)
    assert is_answered(finding(), statement(status="affected"), statement())


def test_counts_by_severity_and_the_statement_that_answers() -> None:
    said = statement(justification="vulnerable_code_not_present")
    split = answered([finding(), finding(severity="low"), finding(id="CVE-2024-9")], [said])
    assert split.by_severity() == {"high": 1, "low": 1}
    assert [one["id"] for one in split.open] == ["CVE-2024-9"]
    assert split.answered[0][1] is said


def test_superseded_statements_of_a_document() -> None:
    first = statement(status="under_investigation", timestamp="2024-01-01T00:00:00Z")
    second = statement(timestamp="2024-02-01T00:00:00Z")
    assert superseded([first, second]) == {0}
    assert superseded([second, first]) == {1}
    assert superseded([first, statement(vulnerability="CVE-2024-2")]) == set()
    both = statement(products=[BUSYBOX, "pkg:apk/alpine/musl"], status="affected", timestamp="2024-01-01T00:00:00Z")
    assert superseded([both, second]) == set(), "one of its products is not spoken of again"


def test_odd_shapes_answer_nothing() -> None:
    assert not is_answered({"id": None, "purl": 7}, {"vulnerability": None, "products": {"x": 1}, "status": "fixed"})
    assert not is_answered({}, {})
