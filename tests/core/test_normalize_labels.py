"""Release, dist and environment are compared by their text: padding makes no other of them."""

from __future__ import annotations

import pytest

from provenance_core.normalize import normalize_interaction, normalize_sentry


@pytest.mark.parametrize("name", ["release", "dist", "environment"])
@pytest.mark.parametrize("padded", ["1.0.0", " 1.0.0", "1.0.0\n", "1.0.0\0", "\t1.0.0 "])
def test_padding_is_left_out(name: str, padded: str) -> None:
    for normalize in (normalize_sentry, normalize_interaction):
        assert getattr(normalize({name: padded, "message": "m"}), name) == "1.0.0"


@pytest.mark.parametrize("name", ["release", "dist", "environment"])
@pytest.mark.parametrize("empty", ["", " ", "\0", "\n\t", None])
def test_nothing_but_padding_is_none(name: str, empty: str | None) -> None:
    for normalize in (normalize_sentry, normalize_interaction):
        assert getattr(normalize({name: empty, "message": "m"}), name) is None
