"""`provenance demo` tells its whole story, and leaves nothing behind."""

from __future__ import annotations

import re
from pathlib import Path

from tests.processes import Installation


def test_the_demo_breaks_reads_resolves_and_sees_the_error_come_back(tmp_path: Path) -> None:
    told = Installation(tmp_path).run("demo", environment={"TMPDIR": str(tmp_path)})
    steps = re.findall(r"^(\d)\. ", told, re.MULTILINE)
    states = re.findall(r"^   (SHOP-1: .+)$", told, re.MULTILINE)
    history = re.findall(r"^   \S+Z  (\w+ → \w+  \S+)  by \S+$", told, re.MULTILINE)

    assert steps == list("1234567")
    assert "SHOP-1   open       3 events  CheckoutError: could not price order 1003" in told
    assert "SHOP-2   open       1 event   KeyError: 'street'" in told
    assert "return PRICES[sku] * rates[currency]" in told
    assert states == [
        "SHOP-1: resolved (in shop@1.1.0), 3 events",
        "SHOP-1: regressed (was resolved in shop@1.1.0), 6 events",
    ]
    assert history == ["open → resolved  shop@1.1.0", "resolved → regressed  shop@1.2.0"]
    assert "claude mcp add provenance" in told
    assert list(tmp_path.iterdir()) == []
