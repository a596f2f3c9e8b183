"""Why an event is in its issue."""

from __future__ import annotations

from typing import Any

import pytest
from tests.factory import make_context, make_origin, payload, report

from provenance_core.errors import InvalidInput, NotFound
from provenance_core.fingerprint import Basis, Strategy
from provenance_core.frame_roles import Role
from provenance_core.origins import ErrorTracking, OriginConfig
from provenance_server.grouping_answers import Agreement, Grouping
from provenance_server.operations import EXPLAIN_GROUPING, RECORD_INTERACTION, UPDATE_ORIGIN
from provenance_storage.store import Store

SENT = "fc6d8c0c43fc4630ad850ee518f1b9d0"


def explained(store: Store, **changes: Any) -> Grouping:
    recorded = report(store, make_origin(store), payload(**changes))[0]
    return EXPLAIN_GROUPING(make_context(store), {"id": str(recorded.id)})


def test_it_says_what_the_key_is_made_of(store: Store) -> None:
    found = explained(store)

    assert (found.short_id, found.origin, found.strategy, found.version) == ("SHOP-1", "shop", Strategy.STACK, "pv1")
    assert (found.decided_by, found.agreement) == (Basis.STACK, Agreement.CURRENT)
    assert found.reported.fingerprint == found.reported.computed == found.reported.issue_fingerprint
    assert found.reported.parts == [
        "type CheckoutError",
        "frame shop.checkout price_order",
        'line raise CheckoutError("could not price order") from error',
        "cause",
        "type KeyError",
        "frame shop.prices price_of",
        "line return PRICES[sku]",
    ]


def test_it_says_which_frames_count_and_why_the_others_do_not(store: Store) -> None:
    def frame(function: str, *, in_app: bool = True, file: str = "shop/a.py") -> dict[str, Any]:
        return {"file": file, "function": function, "line": 3, "inApp": in_app}

    frames = [
        frame("<listcomp>"),
        frame("walk"),
        frame("get", in_app=False, file="lib/x.py"),
        frame("walk"),
        frame("x", file="<anonymous>"),
        *(frame(f"f{number}") for number in range(31)),
    ]
    error = explained(store, frames=frames, causes=[]).reported.errors[0]

    roles = [found.role for found in error.frames]
    assert roles[:5] == [Role.COMPREHENSION, Role.COUNTED, Role.NOT_IN_APP, Role.REPEATED, Role.NAMELESS]
    assert roles[5:] == [Role.COUNTED] * 29 + [Role.OVER_LIMIT] * 2
    assert (error.frames[1].place, error.frames[1].name) == ("shop/a.py", "walk")
    assert (error.frames[3].place, error.frames[3].name) == (None, None)


@pytest.mark.parametrize(
    ("changes", "basis"),
    [
        ({"fingerprint": ["mine"]}, Basis.EXPLICIT),
        ({"fingerprint": ["{{ default }}", "mine"]}, Basis.EXTENDED),
        ({"frames": [], "causes": []}, Basis.MESSAGE),
        ({"frames": [], "causes": [], "errorType": None, "message": None}, Basis.NOTHING),
    ],
)
def test_it_says_which_rule_decided(store: Store, changes: dict[str, Any], basis: Basis) -> None:
    found = explained(store, **changes)

    assert found.decided_by is basis
    assert found.agreement is Agreement.CURRENT
    assert bool(found.reported.errors) is (basis is not Basis.EXPLICIT)


def test_it_says_that_the_strategy_was_changed_since(store: Store) -> None:
    recorded = report(store, make_origin(store), payload())[0]
    config = OriginConfig(error_tracking=ErrorTracking(fingerprinting=Strategy.MESSAGE))
    UPDATE_ORIGIN(make_context(store), {"id": "shop", "config": config.model_dump(by_alias=True)})
    found = EXPLAIN_GROUPING(make_context(store), {"id": str(recorded.id)})

    assert (found.strategy, found.agreement) == (Strategy.MESSAGE, Agreement.OTHER_STRATEGY)
    assert found.reported.fingerprint != found.reported.computed
    assert found.reported.errors == []


def test_senders_own_ids_are_found_in_every_spelling(store: Store) -> None:
    report(store, make_origin(store), payload(eventId=SENT), payload(eventId="build-17"))
    context = make_context(store)

    for spelling in (SENT, SENT.upper(), "fc6d8c0c-43fc-4630-ad85-0ee518f1b9d0"):
        assert EXPLAIN_GROUPING(context, {"id": spelling}).reported.event_id == SENT
    assert EXPLAIN_GROUPING(context, {"id": "build-17", "origin": "shop"}).reported.event_id == "build-17"


def test_an_id_that_several_origins_know_needs_the_origin(store: Store) -> None:
    for name in ("shop", "other"):
        report(store, make_origin(store, name), payload(eventId=SENT))
    context = make_context(store)

    with pytest.raises(InvalidInput, match=r"2 origins .* `origin`"):
        EXPLAIN_GROUPING(context, {"id": SENT})
    assert EXPLAIN_GROUPING(context, {"id": SENT, "origin": "other"}).origin == "other"


def test_what_is_no_event_is_refused(store: Store) -> None:
    make_origin(store)
    store.resource_types.create("ORDER", "Order", None)
    store.actions.create("PLACED", "Placed", None)
    context = make_context(store)
    recorded = RECORD_INTERACTION(context, {"origin": "shop", "resourceType": "ORDER", "action": "PLACED"})

    with pytest.raises(InvalidInput, match="Only events"):
        EXPLAIN_GROUPING(context, {"id": recorded.id})
    with pytest.raises(NotFound, match="'nothing'"):
        EXPLAIN_GROUPING(context, {"id": "nothing"})


def test_facts_do_not_depend_on_what_was_reported(store: Store) -> None:
    origin = make_origin(store)
    one, two = (
        report(store, origin, payload(errorType=name, message=name, release=name))[0] for name in ("Safe", "Ignore all")
    )
    context = make_context(store)
    answers = [
        EXPLAIN_GROUPING(context, {"id": str(found.id)}).model_dump(exclude={"id", "issue_id", "short_id", "reported"})
        for found in (one, two)
    ]

    assert answers[0] == answers[1]
