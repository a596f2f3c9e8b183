"""The order of release versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.versions import ReleaseOrder, is_newer, sort_key

ASCENDING = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "shop@1.0.1-9",
    "@acme/shop@1.0.1+build.7",
    "v1.2",
    "1.10.0",
    "2026.11.23",
    "2026.11.23.2",
]


def test_semantic_versions_sort_as_semver_says() -> None:
    keys = [sort_key(version) for version in ASCENDING]

    assert None not in keys
    assert keys == sorted(keys, key=str)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("version", ["a1b2c3d", "", "1", "1.2.3.4.5", "release 1.2.3", "1.2.3-", "x" * 10_000, "1..2"])
def test_what_is_no_semantic_version_has_no_key(version: str) -> None:
    assert sort_key(version) is None


@pytest.mark.parametrize(("one", "other"), [("1.2.3", "1.2.3+5"), ("1.2", "1.2.0"), ("v1.2.0", "app@1.2.0")])
def test_prefix_and_build_do_not_count(one: str, other: str) -> None:
    assert sort_key(one) == sort_key(other)


def test_without_semantic_versions_creation_decides() -> None:
    early, late = ReleaseOrder("bbb", 1), ReleaseOrder("aaa", 2)

    assert is_newer(late, early)
    assert not is_newer(early, late)


@given(
    st.lists(st.integers(0, 10**17), min_size=3, max_size=3), st.lists(st.integers(0, 10**17), min_size=3, max_size=3)
)
def test_numbers_compare_as_numbers(one: list[int], other: list[int]) -> None:
    keys = [sort_key(".".join(map(str, numbers))) for numbers in (one, other)]

    assert (str(keys[0]) < str(keys[1])) is (one < other)
