"""What the newest migration makes of a store that was filled before it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from tests.factory import TESTER, make_origin, payload, report

from provenance_core.events import Trust, Via
from provenance_core.lifecycle import Status
from provenance_storage import schema
from provenance_storage.engine import open_database
from provenance_storage.issues import StatusRequest
from provenance_storage.store import Store


def _back_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


def test_an_issue_is_described_by_who_is_known_afterwards(url: str) -> None:
    with closing(Store.open(url)) as store:
        origin = make_origin(store)
        report(store, origin, payload(message="as the server told it"), via=Via.SERVER)
        report(store, origin, payload(message="as anybody may tell it"))
        report(store, origin, payload(errorType="OtherError", message="of nobody known"))
        store.issues.change_status("shop-1", StatusRequest(Status.MUTED, None, "noise", TESTER))
    with closing(open_database(url)) as database:
        with database.write() as connection:
            _back_to(connection, "0003")
            connection.execute(text("update error_issue set title = 'EVIL: as anybody may tell it' where number = 1"))
        assert schema.upgrade(database)
    with closing(Store.open(url)) as store:
        first, second = store.issues.find("shop-1"), store.issues.find("shop-2")
        (change,) = store.issues.history(first)

        assert first.title.endswith("as the server told it")
        assert (first.trust, second.trust) == (Trust.AUTHENTICATED, Trust.REPORTED)
        assert (first.authenticated_count, first.event_count) == (1, 2)
        assert second.title.endswith("of nobody known")
        assert change.note == "noise"
        assert len(store.secret("sender")) == 32
