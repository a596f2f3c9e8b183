"""Two events that differ only in reported text give answers that differ only there."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.factory import make_context
from tests.injection.hostile import corpus, event
from tests.stores import new_database_url

from provenance_core.access import Access, Actor, ActorKind, Door, Scope, included
from provenance_core.events import Via
from provenance_core.origins import OriginConfig
from provenance_server.client import LocalClient
from provenance_server.ingest import from_sentry
from provenance_server.tools import TOOLS
from provenance_storage.store import Store

BEGAN = 1_763_892_000_000_000
FIELDS = 60
SIZES = frozenset({"framesMatched", "cut", "nextCursor", "trimmedAtIngest", "scrubbedAtIngest"})
"""What says how much was there, and where a walk goes on."""

_payloads = st.sampled_from([entry["payload"] for entry in corpus()])
_texts = st.one_of(_payloads, st.text(max_size=40), st.builds(lambda one, two: one + two, _payloads, st.text()))
_events = st.lists(_texts, min_size=FIELDS, max_size=FIELDS)


def _facts(value: Any) -> Any:
    """Return a document without what is reported, sizes, and what every store makes anew."""
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        left = {key: item for key, item in entries.items() if key not in SIZES | {"reported", "_meta"}}
        return {key: "an id" if key == "id" else _facts(item) for key, item in left.items()}
    return [_facts(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _answers(texts: list[str]) -> list[Any]:
    """Return what the reading tools answer about one event with these texts in its fields."""
    taken: dict[str, str] = {}

    def text(field: str) -> str:
        return taken.setdefault(field, "x" + texts[len(taken) % FIELDS])  # an empty text would be no text

    with _store() as store:
        origin = store.origins.create("my-app", "My app", None, OriginConfig())
        store.record([from_sentry(origin, event(1, text), Via.PUBLIC)])
        access = Access(Actor(ActorKind.KEY, "agent", None, Door.MCP), included([Scope.READ]), Via.SERVER)
        client = LocalClient(make_context(store, access))
        asked: list[tuple[str, dict[str, Any]]] = [
            ("get_error_issues", {}),
            ("get_error_issue", {"issueId": "my-app-1"}),
            ("get_error_issue", {"issueId": "my-app-1", "detail": "full"}),
            ("get_releases", {"origin": "my-app"}),
        ]
        by_name = {tool.definition.name: tool for tool in TOOLS}
        return [_facts(by_name[name].run(client, arguments).content) for name, arguments in asked]


@contextmanager
def _store() -> Generator[Store]:
    """Give a new store whose clock stands still."""
    with (
        TemporaryDirectory() as folder,
        new_database_url("sqlite", Path(folder)) as url,
        closing(Store.open(url, lambda: BEGAN)) as store,
    ):
        yield store


@pytest.fixture(scope="module")
def plain() -> list[Any]:
    return _answers(["plain"] * FIELDS)


@settings(max_examples=examples(60, thorough=1_000))
@given(texts=_events)
def test_reported_text_changes_nothing_outside_reported(plain: list[Any], texts: list[str]) -> None:
    assert _answers(texts) == plain
