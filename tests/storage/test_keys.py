"""Keys are shown once, found by their hash, and revoked for ever."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from tests.factory import TESTER
from tests.storage.conftest import HeldClock

from provenance_core.access import Scope
from provenance_core.errors import Conflict, NotFound
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store


def test_a_key_is_found_by_its_text_and_kept_without_it(store: Store, clock: HeldClock) -> None:
    key, secret = store.keys.create("ci", [Scope.WRITE, Scope.READ, Scope.WRITE], None, by=TESTER)

    with store.database.read() as connection:
        kept = repr(connection.execute(text("select * from api_key")).all())
        kept += repr(connection.execute(text("select * from activity")).all())
    assert store.keys.find(secret) == key == store.keys.get(key.prefix) == store.keys.get(str(key.id))
    assert (key.label, key.scopes, key.created_at) == ("ci", (Scope.READ, Scope.WRITE), clock.now)
    assert (len(secret), secret[:12]) == (68, key.prefix)
    assert secret not in kept
    assert secret[12:] not in kept


def test_what_is_no_key_is_nobodys(store: Store) -> None:
    _, secret = store.keys.create("ci", [Scope.READ], None)
    other = secret[:-1] + ("0" if secret[-1] != "0" else "1")

    tried = [other, "", "pak_", secret[:-1], secret + "0", secret.upper(), f" {secret}", "\0", "\ud800", "x" * 5000]
    assert [store.keys.find(one) for one in tried] == [None] * len(tried)


def test_a_revoked_key_opens_nothing_and_stays_listed(store: Store, clock: HeldClock) -> None:
    key, secret = store.keys.create("ci", [Scope.READ], None)
    clock.now += 1
    revoked = store.keys.revoke(key.prefix, by=TESTER)
    clock.now += 1

    assert store.keys.revoke(str(key.id), by=TESTER) == revoked
    assert revoked.revoked_at == clock.now - 1
    assert store.keys.find(secret) is None
    assert store.keys.list(None, 10, None) == ([revoked], 1)
    assert [row.action for row in store.activity.list(None, None, 10, None)] == ["key.revoke", "key.create"]


def test_a_name_of_no_key_is_not_told_again(store: Store) -> None:
    _, secret = store.keys.create("ci", [Scope.READ], None)

    for name in (secret, "pak_00000000", "\0", "7680871c-3f20-43f6-986c-c06491741339"):
        with pytest.raises(NotFound) as refused:
            store.keys.revoke(name)
        assert name not in refused.value.message


def test_a_label_names_one_key_until_it_is_revoked(store: Store, origin: OriginRecord) -> None:
    first, _ = store.keys.create("ci", [Scope.READ], None)
    with pytest.raises(Conflict, match="A key has the label 'ci' already"):
        store.keys.create("ci", [Scope.INGEST], origin.id)
    assert store.keys.list(None, 10, None)[1] == 1
    store.keys.revoke(first.prefix)

    assert store.keys.create("ci", [Scope.READ], None)[0].prefix != first.prefix


def test_a_prefix_of_two_keys_names_neither(store: Store) -> None:
    first, _ = store.keys.create("one", [Scope.READ], None)
    _, secret = store.keys.create("two", [Scope.READ], None)
    with store.database.write() as connection:
        connection.execute(text("update api_key set prefix = :prefix"), {"prefix": first.prefix})

    with pytest.raises(Conflict, match="id"):
        store.keys.revoke(first.prefix)
    assert store.keys.find(secret) is None


def test_keys_of_ingest_alone_do_not_count_as_keys(store: Store, origin: OriginRecord) -> None:
    store.keys.create("backend", [Scope.INGEST], origin.id)
    assert (store.keys.any_made(), store.keys.any_usable()) == (False, False)

    key, _ = store.keys.create("me", [Scope.ADMIN], None)
    assert (store.keys.any_made(), store.keys.any_usable()) == (True, True)
    store.keys.revoke(key.prefix)
    assert (store.keys.any_made(), store.keys.any_usable()) == (True, False)


def test_the_keys_of_a_deleted_origin_are_revoked(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    other = store.origins.create("other", "Other", None, origin.config)
    key, secret = store.keys.create("backend", [Scope.INGEST], origin.id)
    kept, kept_secret = store.keys.create("backend of another", [Scope.INGEST], other.id)
    store.origins.delete(origin.id)

    assert store.keys.find(secret) is None
    assert store.keys.get(key.prefix).revoked_at == clock.now
    assert store.keys.find(kept_secret) == kept
    with pytest.raises(NotFound):
        store.keys.create("late", [Scope.INGEST], origin.id)


def test_it_is_kept_who_revoked_keys_by_deleting_their_origin(store: Store, origin: OriginRecord) -> None:
    gone, _ = store.keys.create("before", [Scope.INGEST], origin.id)
    store.keys.revoke(gone.prefix)
    keys = [store.keys.create(label, [Scope.INGEST], origin.id)[0] for label in ("one", "two")]
    store.origins.delete(origin.id, by=TESTER)

    rows = store.activity.list(origin.id, None, 20, None)
    revoked = {row.subject_id: row for row in rows if row.action == "key.revoke" and row.subject_id != gone.id}
    assert revoked.keys() == {key.id for key in keys}
    assert {row.actor for row in revoked.values()} == {TESTER}
    assert {json.loads(row.before or "")["label"] for row in revoked.values()} == {"one", "two"}
    assert [row.after for row in revoked.values()] == [None, None]
    assert len([row for row in rows if row.subject_id == gone.id and row.action == "key.revoke"]) == 1


def test_when_keys_were_used_only_grows(store: Store) -> None:
    keys = [store.keys.create(label, [Scope.READ], None)[0] for label in "ab"]
    store.keys.touch({keys[0].id: 20, keys[1].id: 5})
    store.keys.touch({keys[0].id: 10})
    store.keys.touch({})

    assert [store.keys.get(key.prefix).last_used_at for key in keys] == [20, 5]


def test_keys_are_listed_newest_first_page_by_page(store: Store, origin: OriginRecord, clock: HeldClock) -> None:
    made = []
    for number in range(5):
        clock.now += 1
        made.append(store.keys.create(str(number), [Scope.INGEST], origin.id if number % 2 else None)[0])

    assert store.keys.list(None, 2, None) == ([made[4], made[3]], 5)
    assert store.keys.list(None, 5, made[3].id) == ([made[2], made[1], made[0]], 5)
    assert store.keys.list(origin.id, 5, None) == ([made[3], made[1]], 2)
