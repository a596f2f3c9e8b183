"""Origins get numbers and keys; the system's words cannot be changed; what is used cannot be deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import uuid4

import pytest
from tests.storage.conftest import new_error

from provenance_core.errors import Conflict, NotFound
from provenance_core.events import ErrorAction, Via
from provenance_core.fingerprint import Strategy
from provenance_core.lifecycle import Regression
from provenance_core.origins import ErrorTracking, OriginConfig, is_mnemonic
from provenance_storage.records import OriginRecord
from provenance_storage.releases import ReleaseDetails
from provenance_storage.store import Store
from provenance_storage.system import ACTION_IDS, ERROR_TYPE_ID


def test_an_origin_is_found_by_id_number_and_mnemonic_in_any_case(store: Store, origin: OriginRecord) -> None:
    found = [store.origins.find(name) for name in (str(origin.id), "1", "my-app", "MY-App")]

    assert found == [origin] * 4
    assert origin.number == 1
    assert len(origin.public_key) == 32


@pytest.mark.parametrize("name", ["2", "nobody", "", "7680871c-3f20-43f6-986c-c06491741339", "9" * 30, "\x00"])
def test_an_unknown_origin_is_not_found(store: Store, origin: OriginRecord, name: str) -> None:
    with pytest.raises(NotFound, match="Known: my-app"):
        store.origins.find(name)


def test_a_mnemonic_is_unique(store: Store, origin: OriginRecord) -> None:
    with pytest.raises(Conflict):
        store.origins.create("my-app", "Again", None, OriginConfig())


def test_settings_of_an_origin_are_kept(store: Store, origin: OriginRecord) -> None:
    config = OriginConfig(error_tracking=ErrorTracking(regression=Regression.NEWER))
    store.origins.update(
        origin.id, {"mnemonic": "renamed", "config": {"error_tracking": {"regression": Regression.NEWER}}}
    )

    found = store.origins.find("renamed")
    assert (found.id, found.number, found.public_key) == (origin.id, origin.number, origin.public_key)
    assert found.config == config


def test_changing_one_setting_keeps_the_other(store: Store, origin: OriginRecord) -> None:
    store.origins.update(origin.id, {"config": {"error_tracking": {"fingerprinting": Strategy.MESSAGE}}})
    store.origins.update(origin.id, {"config": {"error_tracking": {"regression": Regression.NEWER}}})
    store.origins.update(origin.id, {"description": "text"})
    changed = store.origins.update(origin.id, {"description": None})

    tracking = changed.config.error_tracking
    assert (tracking.fingerprinting, tracking.regression) == (Strategy.MESSAGE, Regression.NEWER)
    assert (changed.mnemonic, changed.name, changed.description) == (origin.mnemonic, origin.name, None)


def test_a_key_says_how_an_event_was_reported(store: Store, origin: OriginRecord) -> None:
    other = store.origins.create("other", "Other", None, OriginConfig())

    assert store.origins.key_kind(origin.id, origin.public_key) is Via.PUBLIC
    assert store.origins.key_kind(origin.id, other.public_key) is None


def test_an_unused_origin_can_be_deleted_and_a_used_one_not(store: Store, origin: OriginRecord) -> None:
    unused = store.origins.create("unused", "Unused", None, OriginConfig())
    store.discard(unused.id, {("transaction", "not_kept"): 2})
    store.record([new_error(origin)])
    store.origins.delete(unused.id)

    assert [row.mnemonic for row in store.origins.all()] == ["my-app"]
    with pytest.raises(Conflict, match="immutable"):
        store.origins.delete(origin.id)


def test_the_systems_words_are_there_from_the_start(store: Store) -> None:
    assert [(row.mnemonic, row.id, row.system) for row in store.resource_types.all()] == [
        ("ERROR", ERROR_TYPE_ID, True)
    ]
    assert {row.mnemonic: row.id for row in store.actions.all()} == {a.value: ACTION_IDS[a] for a in ErrorAction}


def test_the_systems_words_cannot_be_changed(store: Store) -> None:
    for words, name in ((store.resource_types, "error"), (store.actions, "caught")):
        word = words.find(name)
        with pytest.raises(Conflict, match="system"):
            words.update(word, "OTHER", "Other", None)
        with pytest.raises(Conflict, match="system"):
            words.delete(word)


def test_own_words_can_be_made_changed_and_deleted(store: Store) -> None:
    word = store.resource_types.create("ORDER", "Order", None)
    with pytest.raises(Conflict):
        store.resource_types.create("ORDER", "Again", None)
    changed = store.resource_types.update(word, "PURCHASE", "Purchase", "text")
    store.resource_types.delete(changed)

    with pytest.raises(NotFound, match="Known: ERROR"):
        store.resource_types.find("purchase")


def test_discarded_items_are_counted(store: Store, origin: OriginRecord) -> None:
    store.discard(origin.id, {("transaction", "not_kept"): 2, ("error", "too_large"): 1})
    store.discard(origin.id, {("transaction", "not_kept"): 3})

    assert store.discarded(origin.id) == {("transaction", "not_kept"): 5, ("error", "too_large"): 1}


@pytest.mark.parametrize(
    ("text", "allowed"),
    [("my-app", True), ("a", True), ("A.b_c-9", True), ("12", False), ("", False), ("-a", False), ("a b", False)],
)
def test_what_may_be_a_mnemonic(text: str, allowed: bool) -> None:
    assert is_mnemonic(text) is allowed
    assert not is_mnemonic(str(uuid4()))


def test_origins_made_at_once_get_numbers_of_their_own(store: Store, url: str) -> None:
    def make(name: str) -> int:
        with closing(Store.open(url)) as other:
            return other.origins.create(name, name, None, OriginConfig()).number

    with ThreadPoolExecutor(6) as threads:
        numbers = sorted(threads.map(make, [f"app-{number}" for number in range(18)]))

    assert numbers == list(range(1, 19))


def test_a_release_registered_at_once_by_many_is_one(store: Store, origin: OriginRecord, url: str) -> None:
    def register(_: int) -> bool:
        with closing(Store.open(url)) as other:
            return other.releases.register(origin.id, "1.0", ReleaseDetails())[1]

    with ThreadPoolExecutor(6) as threads:
        made = list(threads.map(register, range(12)))

    assert made.count(True) == 1
    assert store.releases.list(origin.id, "", 10, None)[1] == 1
