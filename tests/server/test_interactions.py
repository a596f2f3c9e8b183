"""Interactions that are no errors, and what other systems answered: stored as sent but for what must not be."""

from __future__ import annotations

from typing import Any

import pytest
from tests.factory import make_context, make_origin, payload

from provenance_core.errors import InvalidInput
from provenance_server.operations import GET_INTERACTION, LIST_INTERACTIONS, RECORD_INTERACTION
from provenance_storage.store import Store


@pytest.fixture
def words(store: Store) -> dict[str, str]:
    make_origin(store)
    store.resource_types.create("ORDER", "Order", None)
    store.actions.create("PLACED", "Placed", None)
    return {"origin": "shop", "resourceType": "order", "action": "placed"}


def _record(store: Store, **arguments: Any) -> dict[str, Any]:
    recorded = RECORD_INTERACTION(make_context(store), arguments)
    read = GET_INTERACTION(make_context(store), {"id": recorded.id})
    return read.model_dump(mode="json", by_alias=True)


def test_what_was_sent_comes_back(store: Store, words: dict[str, str]) -> None:
    sent = {"order": 7, "lines": [{"sku": "tea", "price": 4.5}], "note": "bitte klingeln"}
    read = _record(store, **words, resourceId="order-7", interaction=sent, externalResponse={"ok": True})

    assert (read["resourceType"], read["action"], read["via"], read["issueId"]) == ("ORDER", "PLACED", "local", None)
    assert read["reported"]["interaction"] == sent
    assert read["reported"]["externalResponse"] == {"ok": True}
    assert read["reported"]["marks"] is None


@pytest.mark.parametrize("kind", ["order", "ERROR"])
def test_sensitive_data_is_removed_and_marked(store: Store, words: dict[str, str], kind: str) -> None:
    content = payload(extra={"password": "hunter2"}) if kind == "ERROR" else {"deep": [{"password": "hunter2"}]}
    action = "CAUGHT" if kind == "ERROR" else "placed"
    read = _record(
        store,
        **{**words, "resourceType": kind, "action": action},
        interaction=content,
        externalResponse={"apiKey": "hunter2", "text": "\ud800 half"},
    )

    assert "hunter2" not in str(read)
    assert any(path.startswith("externalResponse") for path in read["reported"]["marks"]["scrubbed"])


def test_content_that_is_too_deep_or_odd_is_kept_as_far_as_it_goes(store: Store, words: dict[str, str]) -> None:
    deep: dict[str, Any] = {"end": float("nan"), "big": 2**70, "nul": "a\0b"}
    for _ in range(500):
        deep = {"a": deep}
    read = _record(store, **words, interaction=deep)

    assert read["reported"]["interaction"]["a"]["a"]
    assert read["reported"]["marks"]["trimmed"]


@pytest.mark.parametrize("moment", ["999999w", "24h", "0001-01-01", "soon", ""])
def test_a_stored_moment_is_a_date(store: Store, words: dict[str, str], moment: str) -> None:
    with pytest.raises(InvalidInput, match="interactionTimestamp: must be"):
        RECORD_INTERACTION(make_context(store), {**words, "interactionTimestamp": moment})

    assert LIST_INTERACTIONS(make_context(store), {}).total == 0
