"""Every operation that changes something leaves one row that says who did it, with what program, through which door."""

from __future__ import annotations

from typing import Any

import pytest
from tests.factory import make_context, make_origin, payload, report
from tests.server.source_maps import APP, put

from provenance_core.access import EVERYTHING, Access, Actor, ActorKind, Door, Scope, included
from provenance_core.errors import Conflict, Forbidden, InvalidInput, NotFound
from provenance_core.events import Via
from provenance_server.access_answers import ActivityEntry
from provenance_server.context import Context
from provenance_server.operations import (
    CREATE_KEY,
    GET_ACCESS,
    LIST_ACTIVITY,
    LIST_CHANGES,
    LIST_KEYS,
    OPERATIONS,
    REVOKE_KEY,
    UPDATE_ERROR_ISSUE_STATUS,
)
from provenance_storage.store import Store

AGENT = Actor(ActorKind.KEY, "agent", "claude-code", Door.MCP, "pak_1a2b3c4d")
BY_NAME = {operation.name: operation for operation in OPERATIONS}
EXEMPT = {
    "record_interaction": "what is reported is kept itself, with how it came",
    "resolve_frames": "it reads; its arguments are too long for a query",
    "check_sourcemaps": "it reads; its arguments are too long for a query",
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "update_error_issue_status": ("issue.status", {"issueId": "shop-1", "status": "resolved", "note": "fixed"}),
    "create_release": ("release.create", {"origin": "shop", "version": "2.0.0"}),
    "delete_release": ("release.delete", {"origin": "shop", "release": "1.0.0"}),
    "create_origin": ("origin.create", {"mnemonic": "new"}),
    "update_origin": ("origin.update", {"id": "shop", "name": "Other"}),
    "delete_origin": ("origin.delete", {"id": "empty"}),
    "create_resource_type": ("word.create", {"mnemonic": "INVOICE"}),
    "update_resource_type": ("word.update", {"id": "ORDER", "name": "Orders"}),
    "delete_resource_type": ("word.delete", {"id": "ORDER"}),
    "create_action": ("word.create", {"mnemonic": "PAID"}),
    "update_action": ("word.update", {"id": "SHIPPED", "name": "Sent"}),
    "delete_action": ("word.delete", {"id": "SHIPPED"}),
    "create_key": ("key.create", {"label": "ci", "scopes": ["write"]}),
    "revoke_key": ("key.revoke", {"id": "{key}"}),
}


def acting(context: Context, **bounds: Any) -> Context:
    """Return a context of the agent."""
    access = Access(AGENT, EVERYTHING, Via.SERVER).narrowed(**bounds)
    return make_context(context.store, access)


def activity(context: Context, **filters: Any) -> list[ActivityEntry]:
    return LIST_ACTIVITY(context, {"limit": 100, **filters}).items


@pytest.fixture
def key(context: Context) -> str:
    """Fill the store so that every case names something, and return the prefix of a key."""
    report(context.store, context.store.origins.find("shop"), payload())
    make_origin(context.store, "empty")
    for name, raw in (
        ("create_release", {"origin": "shop", "version": "1.0.0"}),
        ("create_resource_type", {"mnemonic": "ORDER"}),
        ("create_action", {"mnemonic": "SHIPPED"}),
    ):
        BY_NAME[name](context, raw)
    return CREATE_KEY(context, {"label": "old", "scopes": ["read"]}).prefix


def test_every_operation_that_may_change_something_has_a_case() -> None:
    changing = {operation.name for operation in OPERATIONS if operation.method != "GET"}

    assert changing == CASES.keys() | EXEMPT.keys()


@pytest.mark.parametrize("name", CASES)
def test_each_leaves_one_row_with_its_actor_client_and_door(context: Context, key: str, name: str) -> None:
    action, raw = CASES[name]
    raw = {argument: key if value == "{key}" else value for argument, value in raw.items()}
    before = {entry.id for entry in activity(context)}
    BY_NAME[name](acting(context), raw)

    (new,) = [entry for entry in activity(context) if entry.id not in before]
    assert (new.action, new.actor, new.actor_id) == (action, "key:agent", "pak_1a2b3c4d")
    assert (new.client, new.door) == ("claude-code", "mcp")


@pytest.mark.parametrize("name", EXEMPT)
def test_what_is_exempt_leaves_none(context: Context, key: str, name: str) -> None:
    raw: dict[str, dict[str, Any]] = {
        "record_interaction": {"origin": "shop", "resourceType": "ERROR", "interaction": {"message": "x"}},
        "resolve_frames": {"origin": "shop", "stack": "Error: x"},
        "check_sourcemaps": {"origin": "shop", "release": "1.0.0", "files": []},
    }
    before = activity(context)
    BY_NAME[name](acting(context), raw[name])

    assert activity(context) == before


def test_an_upload_leaves_one_row_where_it_changed_something(context: Context, key: str, tmp_path: Any) -> None:
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        put(acting(context), tmp_path / folder, APP)

    uploads = [entry for entry in activity(context) if entry.action == "sourcemaps.upload"]
    assert [(entry.actor, entry.after) for entry in uploads] == [("key:agent", '{"added":2,"replaced":0}')]


def test_the_list_is_narrowed_to_an_origin_an_issue_and_what_the_caller_may_see(context: Context, key: str) -> None:
    UPDATE_ERROR_ISSUE_STATUS(acting(context), {"issueId": "shop-1", "status": "muted"})
    (entry,) = activity(context, issueId="SHOP-1")

    assert (entry.before, entry.after, entry.origin) == ("open", "muted", "shop")
    assert {one.origin for one in activity(context, origin="shop")} == {"shop"}
    assert {one.origin for one in activity(acting(context, origin="empty"))} == {"empty"}
    assert None in {one.origin for one in activity(context)}
    with pytest.raises(NotFound):
        activity(context, issueId="shop-1", origin="empty")
    with pytest.raises(NotFound):
        activity(acting(context, origin="empty"), issueId="shop-1")


def test_pages_of_activity_and_keys_go_on_where_they_ended(context: Context, key: str) -> None:
    for number in range(3):
        CREATE_KEY(context, {"label": f"k{number}", "scopes": "read"})
    for operation, whole in ((LIST_ACTIVITY, activity(context)), (LIST_KEYS, LIST_KEYS(context, {}).items)):
        found: list[Any] = []
        page = operation(context, {"limit": 2})
        found += page.items
        while page.next_cursor is not None:
            page = operation(context, {"limit": 2, "cursor": page.next_cursor})
            found += page.items

        assert found == whole


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"scopes": ["ingest"]}, "name it as `origin`"),
        ({"scopes": ["ingest", "read"], "origin": "shop"}, "stands alone"),
        ({"scopes": ["write", "ingest"]}, "stands alone"),
        ({"scopes": ["read"], "origin": "shop"}, "Only a key with the scope `ingest`"),
        ({"scopes": ["read"], "label": "   "}, "`label`"),
        ({"scopes": []}, "at least one"),
        ({"scopes": ["root"]}, "must be one of"),
    ],
)
def test_scopes_and_origin_must_go_together(context: Context, raw: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        CREATE_KEY(context, {"label": "ci", **raw})

    assert context.store.keys.list(None, 10, None)[1] == 0


def test_a_caller_of_one_origin_makes_sees_and_revokes_its_keys_alone(context: Context, key: str) -> None:
    pinned = acting(context, origin="shop")
    mine = CREATE_KEY(pinned, {"label": "a\u202eb", "scopes": ["ingest"], "origin": "shop"})

    assert mine.label == "a\\u{202e}b"
    assert context.store.keys.find(mine.key) is not None
    assert [one.id for one in LIST_KEYS(pinned, {}).items] == [mine.id]
    for raw, refused in (
        ({"label": "x", "scopes": ["ingest"], "origin": "empty"}, NotFound),
        ({"label": "x", "scopes": ["admin"]}, Forbidden),
    ):
        with pytest.raises(refused):
            CREATE_KEY(pinned, raw)
    with pytest.raises(NotFound):
        REVOKE_KEY(pinned, {"id": key})
    assert REVOKE_KEY(pinned, {"id": mine.prefix}).revoked_at == REVOKE_KEY(context, {"id": mine.id}).revoked_at


def test_the_caller_is_told_what_it_may_and_what_bounds_it(context: Context) -> None:
    bound = GET_ACCESS(acting(context, origin="shop", read_only=True, lockdown=True), {})
    nobody = GET_ACCESS(make_context(context.store, Access(Actor(ActorKind.OPEN), EVERYTHING, Via.PUBLIC)), {})

    assert bound.model_dump(mode="json") == {
        "actor": "key:agent",
        "scopes": ["admin"],
        "origin": "shop",
        "read_only": True,
        "lockdown": True,
        "open": False,
    }
    assert (nobody.open, nobody.scopes) == (True, [Scope.ADMIN])


def test_a_refusal_names_the_scope_that_the_key_was_made_with_and_first_the_bound(context: Context) -> None:
    write = Access(AGENT, included([Scope.WRITE]), Via.SERVER)
    with pytest.raises(Forbidden, match=r"takes the scope `admin`, and the key has: write\. Ask who runs"):
        LIST_KEYS(make_context(context.store, write), {})
    for scopes in ([Scope.WRITE], [Scope.READ]):
        bound = Access(AGENT, included(scopes), Via.SERVER, read_only=True)
        with pytest.raises(Forbidden, match=r"^Only reading is allowed here") as refused:
            UPDATE_ERROR_ISSUE_STATUS(make_context(context.store, bound), {"issueId": "shop-1", "status": "muted"})
        assert refused.value.details == {}


def test_a_bound_to_an_origin_that_is_not_there_names_no_other(context: Context) -> None:
    with pytest.raises(NotFound) as refused:
        activity(acting(context, origin="nope"))

    assert refused.value.message == "The origin that this is bound to, 'nope', does not exist."


def test_what_was_done_to_keys_is_told_to_whom_may_list_them(context: Context, key: str) -> None:
    read = make_context(context.store, Access(AGENT, included([Scope.WRITE]), Via.SERVER))

    assert "key.create" in {entry.action for entry in activity(context)}
    assert activity(read) == [entry for entry in activity(context) if not entry.action.startswith("key.")] != []


def test_a_label_is_not_given_twice(context: Context, key: str) -> None:
    with pytest.raises(Conflict, match="'old'"):
        CREATE_KEY(context, {"label": "old", "scopes": ["read"]})
    REVOKE_KEY(context, {"id": key})

    assert CREATE_KEY(context, {"label": "old", "scopes": ["read"]}).prefix != key


def test_changes_are_followed_by_the_cursor(context: Context, store: Store) -> None:
    begin = LIST_CHANGES(context, {})
    report(store, store.origins.find("shop"), payload(), payload())
    first = LIST_CHANGES(context, {"after": begin.next_cursor})
    UPDATE_ERROR_ISSUE_STATUS(context, {"issueId": "shop-1", "status": "muted"})
    second = LIST_CHANGES(context, {"after": first.next_cursor})
    pinned = acting(context, origin=make_origin(store, "other").mnemonic)

    assert begin.items == []
    assert [(one.short_id, one.origin, one.change, one.status) for one in first.items] == [
        ("SHOP-1", "shop", "new", "open")
    ]
    assert [(one.change, one.status) for one in second.items] == [("status", "muted")]
    assert LIST_CHANGES(context, {"after": second.next_cursor}).items == []
    assert LIST_CHANGES(pinned, {"after": begin.next_cursor}).items == []
    with pytest.raises(InvalidInput, match="other filters"):
        LIST_CHANGES(context, {"after": second.next_cursor, "origin": "shop"})
    for nonsense in ("AA", "é", "====", "_" * 2_000, second.next_cursor[:-1]):
        with pytest.raises(InvalidInput, match="cursor"):
            LIST_CHANGES(context, {"after": nonsense})
