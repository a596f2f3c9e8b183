"""A real store in a file, with a clock that the test holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from provenance_core.events import ErrorAction, Level, Via
from provenance_core.origins import OriginConfig
from provenance_storage.payloads import compress
from provenance_storage.records import NewEvent, NewInteraction, OriginRecord
from provenance_storage.store import Store
from provenance_storage.system import ACTION_IDS, ERROR_TYPE_ID


@dataclass
class HeldClock:
    """A clock that moves only when told."""

    now: int = field(default=1_795_437_407_000_000)

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def store(url: str, clock: HeldClock) -> Iterator[Store]:
    store = Store.open(url, clock)
    yield store
    store.close()


@pytest.fixture
def origin(store: Store) -> OriginRecord:
    return store.origins.create("my-app", "My app", None, OriginConfig())


def new_error(
    origin: OriginRecord,
    fingerprint: str = "f1",
    *,
    release: str | None = None,
    event_id: str | None = None,
    user: bytes | None = None,
    tags: dict[str, str] | None = None,
    level: Level = Level.ERROR,
    title: str = "ValueError: no",
) -> NewInteraction:
    """Return an event that is ready to be recorded."""
    event = NewEvent(
        fingerprint=fingerprint,
        fingerprint_version="pv1",
        title=title,
        level=level,
        event_id=event_id,
        release=release,
        user_hash=user,
        tags=tags or {},
    )
    return NewInteraction(
        origin_id=origin.id,
        resource_type_id=ERROR_TYPE_ID,
        action_id=ACTION_IDS[ErrorAction.CAUGHT],
        via=Via.PUBLIC,
        body=compress(b'{"interaction":{}}'),
        resource_id=fingerprint,
        event=event,
    )
