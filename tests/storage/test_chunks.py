"""Pieces of uploads: kept until they are put together, and never too many."""

from __future__ import annotations

import pytest
from tests.storage.conftest import HeldClock
from tests.storage.uploads import noise

from provenance_core.errors import NotFound, TooLarge, TooManyRequests
from provenance_storage import chunks
from provenance_storage.store import Store

DAY = 86_400_000_000
ONE, TWO, THREE = ("1" * 40, "2" * 40, "3" * 40)


def test_a_piece_is_kept_until_it_is_removed(store: Store) -> None:
    body = noise(3_000_000)
    store.chunks.put(ONE, body)
    store.chunks.put(TWO, b"")

    assert store.chunks.missing([THREE, ONE, THREE, TWO]) == [THREE]
    assert (store.chunks.read(ONE), store.chunks.read(TWO)) == (body, b"")
    store.chunks.remove([ONE, THREE])
    assert store.chunks.missing([ONE, TWO]) == [ONE]
    with pytest.raises(NotFound, match="send it again"):
        store.chunks.read(ONE)


def test_a_piece_that_is_sent_again_stays_for_another_day(store: Store, clock: HeldClock) -> None:
    store.chunks.put(ONE, b"one")
    clock.now += DAY
    store.chunks.put(ONE, b"one")

    assert store.artifacts.sweep(clock.now + 1) == 0
    assert store.chunks.read(ONE) == b"one"


def test_a_piece_that_is_too_large_is_refused(store: Store) -> None:
    store.chunks.put(ONE, b"\0" * chunks.CHUNK_BYTES)
    with pytest.raises(TooLarge, match="8388608 bytes"):
        store.chunks.put(TWO, b"\0" * (chunks.CHUNK_BYTES + 1))

    assert store.chunks.missing([ONE, TWO]) == [TWO]


@pytest.mark.parametrize(("limit", "value"), [("STAGED_BYTES", 25), ("STAGED_CHUNKS", 2)])
def test_no_more_is_staged_than_there_is_room_for(
    store: Store, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(chunks, limit, value)
    store.chunks.put(ONE, b"x" * 10)
    store.chunks.put(TWO, b"x" * 10)
    store.chunks.put(TWO, b"x" * 10)
    with pytest.raises(TooManyRequests, match="Too many uploads"):
        store.chunks.put(THREE, b"x" * 10)
    store.chunks.remove([ONE])
    store.chunks.put(THREE, b"x" * 10)

    assert store.chunks.missing([ONE, TWO, THREE]) == [ONE]
