"""How many addresses sent an issue's events: counted by keyed hashes, with no address kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from tests.factory import make_context, make_origin, payload, report
from tests.http_api.conftest import BASE
from tests.http_api.sending import auth, envelope, event_item, send
from tests.stores import Kind, new_database_url

from provenance_core.events import Via
from provenance_http.app import create_app
from provenance_server.answers import Senders
from provenance_server.ingest import InteractionFields, from_payload
from provenance_server.operations import GET_ERROR_ISSUE
from provenance_server.senders import Senders as Hashes
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store
from provenance_storage.tables import Interaction, table

ADDRESS = "203.0.113.7"
NATIVE = "/api/interactions"
From = Callable[[TestClient], Any]


def _from(store: Store, address: str, send_it: From) -> None:
    """Send from an address, as a server that was started for it sees it."""
    with TestClient(create_app(store), base_url=BASE, client=(address, 5000)) as client:
        assert send_it(client).status_code in {200, 201}


def _senders(store: Store, issue: str = "my-app-1") -> Senders | None:
    return GET_ERROR_ISSUE(make_context(store), {"issueId": issue}).senders


def _hashes(store: Store) -> list[bytes | None]:
    rows = table(Interaction)
    with store.database.read() as connection:
        return list(connection.execute(select(rows.c.sender_hash).order_by(rows.c.received_at)).scalars())


def test_addresses_are_counted_and_not_kept(store: Store, origin: OriginRecord):
    for number, address in enumerate([ADDRESS, "198.51.100.1", ADDRESS, "2001:db8::1"]):
        body = envelope(event_item(event_id=f"{number:032x}"))
        _from(store, address, lambda client, body=body: send(client, origin, body))
    hashes = _hashes(store)

    assert _senders(store) == Senders(events=4, addresses=3, most_from_one=2)
    assert hashes[0] == hashes[2] == Hashes(store.secret("sender")).hash_of((ADDRESS, 1))
    assert all(one is not None and len(one) == 8 for one in hashes)
    assert Hashes(b"another").hash_of((ADDRESS, 1)) not in hashes


@pytest.mark.parametrize("path", ["/api/1/store/", "/api/1/envelope/"])
def test_every_event_of_a_request_has_its_sender(store: Store, origin: OriginRecord, path: str):
    events = [event_item(event_id=f"{number:032x}") for number in range(3)]
    body = envelope(*events) if "envelope" in path else events[0].split(b"\n")[1]
    _from(store, ADDRESS, lambda client: client.post(path, content=body, headers=auth(origin)))

    assert set(_hashes(store)) == {Hashes(store.secret("sender")).hash_of((ADDRESS, 1))}


@pytest.mark.parametrize("kind", ["ERROR", "PAGE"])
def test_what_is_recorded_by_the_api_has_its_sender(store: Store, origin: OriginRecord, kind: str):
    if kind == "PAGE":
        store.resource_types.create("PAGE", "Page", None)
        store.actions.create("VIEW", "View", None)
    told = {"resourceType": kind, "origin": "my-app", "interaction": {"message": "no"}}
    told |= {"action": "VIEW"} if kind == "PAGE" else {}
    _from(store, ADDRESS, lambda client: client.post(NATIVE, json=told))

    assert _hashes(store) == [Hashes(store.secret("sender")).hash_of((ADDRESS, 1))]


def test_what_a_proxy_says_is_not_believed(store: Store, origin: OriginRecord):
    told = {"x_forwarded_for": "192.0.2.9", "forwarded": "for=192.0.2.9", "x_real_ip": "192.0.2.9"}
    _from(store, ADDRESS, lambda client: send(client, origin, envelope(event_item()), **told))

    assert _hashes(store) == [Hashes(store.secret("sender")).hash_of((ADDRESS, 1))]


def test_nobody_is_known_of_what_this_machine_recorded(store: Store, origin: OriginRecord):
    report(store, origin, payload(), via=Via.LOCAL)

    assert _hashes(store) == [None]
    assert _senders(store) is None


def test_only_the_newest_events_are_looked_at(store: Store, origin: OriginRecord):
    event = from_payload(origin, payload(), Via.PUBLIC, InteractionFields())
    store.record([replace(event, sender_hash=b"older---")] * 50)
    store.record([replace(event, sender_hash=f"{number % 400:08d}".encode()) for number in range(900)])
    store.record([event] * 100)

    assert _senders(store) == Senders(events=900, addresses=400, most_from_one=3)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:203.0.113.7", ADDRESS, True),
        (ADDRESS, "203.0.113.8", False),
        ("fe80::1%eth0", "fe80::1%eth0", True),
        ("testclient", "other", False),
    ],
)
def test_who_has_a_network_is_one_sender(one: str, other: str, same: bool):
    senders = Hashes(b"secret")

    assert (senders.hash_of((one, 1)) == senders.hash_of((other, 2))) is same


@pytest.mark.parametrize("client", [None, ("", 0)])
def test_a_connection_without_an_address_has_no_sender(client: tuple[str, int] | None):
    assert Hashes(b"secret").hash_of(client) is None


def test_two_stores_do_not_hash_alike(store: Store, store_kind: Kind, tmp_path_factory: pytest.TempPathFactory):
    """Both were made by the same migration, but for what is asked here."""
    make_origin(store, "my-app")
    with new_database_url(store_kind, tmp_path_factory.mktemp("other"), migrated=False) as url:
        other = Store.open(url)
        secrets = {store.secret("sender"), other.secret("sender")}
        other.close()

    assert len(secrets) == 2
    assert {len(secret) for secret in secrets} == {32}
