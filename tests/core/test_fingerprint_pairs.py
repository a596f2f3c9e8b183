"""The corpus that the algorithm is judged by; `docs/grouping.md` says how to add a pair."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from provenance_core.fingerprint import Fingerprint, fingerprint
from provenance_core.normalize import normalize_interaction, normalize_sentry

PAIRS = Path(__file__).parent.parent / "data" / "pairs"
KEYS = {"name", "reason", "rule", "expect", "a", "b"}
FORMATS = {"interaction": normalize_interaction, "sentry": normalize_sentry}
RULES = {
    *("async", "build", "chain", "circumstances", "codes", "context", "explicit", "frames", "group"),
    *("library", "lines", "mapped", "message", "minified", "names", "paths", "recursion", "template", "type"),
}
Pair = dict[str, Any]


def pairs() -> list[tuple[str, Pair]]:
    return [
        (f"{path.stem}: {pair.get('name', number)}", pair)
        for path in sorted(PAIRS.glob("*.json"))
        for number, pair in enumerate(json.loads(path.read_text(encoding="utf-8")), 1)
    ]


def computed(pair: Pair, side: str) -> Fingerprint:
    return fingerprint(FORMATS[pair.get("format", "interaction")](pair[side]))


@pytest.mark.parametrize("pair", [pytest.param(pair, id=name) for name, pair in pairs()])
def test_pair_is_grouped_as_its_reason_says(pair: Pair) -> None:
    a, b = computed(pair, "a"), computed(pair, "b")

    told = f"must be {pair['expect']}: {pair['reason']}\n a: {a.parts}\n b: {b.parts}"
    assert (a.key == b.key) is (pair["expect"] == "same"), told


@pytest.mark.parametrize("pair", [pytest.param(pair, id=name) for name, pair in pairs()])
def test_pair_is_complete(pair: Pair) -> None:
    assert pair.keys() - {"format"} == KEYS
    assert pair["expect"] in {"same", "different"}
    assert pair["rule"] in RULES
    assert pair.get("format", "interaction") in FORMATS
    assert pair["a"] != pair["b"]


def test_no_two_pairs_have_one_name() -> None:
    assert [name for name, count in Counter(name for name, _ in pairs()).items() if count > 1] == []


def test_every_rule_has_cases_that_split_or_join() -> None:
    found = {(pair["rule"], pair["expect"]) for _, pair in pairs()}

    assert {rule for rule, _ in found} == RULES
    for rule in ("chain", "codes", "frames", "group", "message", "template"):
        assert (rule, "different") in found
    for rule in RULES - {"type", "frames", "codes"}:
        assert (rule, "same") in found
