"""Under a lockdown nothing is answered that nobody known reported: of no model, through no operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import pytest
from tests.factory import TESTER, make_context, make_origin, payload, report
from tests.injection.hostile import event
from tests.rendering import to_json

from provenance_core.access import local_access
from provenance_core.errors import NotFound
from provenance_core.events import Event, Model, Via
from provenance_core.lifecycle import Status
from provenance_server.answers import EventSummary, Interaction, IssueDetail, ReportedDetail, ReportedIssue, TrustCounts
from provenance_server.context import Context
from provenance_server.ingest import InteractionFields, from_payload, from_sentry
from provenance_server.lockdown import withheld
from provenance_server.operations import (
    GET_ERROR_ISSUE,
    GET_ERROR_ISSUE_EVENTS,
    GET_ERROR_ISSUES,
    GET_INTERACTION,
    GET_RELEASES,
    OPERATIONS,
    RECORD_INTERACTION,
)
from provenance_server.sourcemap_answers import ResolvedStack
from provenance_storage.issues import StatusRequest
from provenance_storage.releases import ReleaseDetails
from provenance_storage.store import Store

M = TypeVar("M", bound=Model)

CANARY = "canary"
TRUSTED = "TrustedError"
CALLERS_OWN = {ResolvedStack}
"""Whose `reported` is what the caller has just sent."""


def _answers(model: type[Model], found: dict[type[Model], None]) -> dict[type[Model], None]:
    """Collect the models that an answer is made of."""
    if model not in found:
        found[model] = None
        for field in model.model_fields.values():
            for part in _parts(field.annotation):
                _answers(part, found)
    return found


def _parts(annotation: object) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _models() -> list[type[Model]]:
    found: dict[type[Model], None] = {}
    for operation in OPERATIONS:
        _answers(operation.answer, found)
    return list(found)


REPORTING = [model for model in _models() if "reported" in model.model_fields]


def _filled(model: type[M], text: str, **given: Any) -> M:
    """Return an answer with something in every field: a text, and under `reported` a canary."""
    values: dict[str, Any] = {
        name: _value(field.annotation, CANARY if name == "reported" or issubclass(model, Event) else text)
        for name, field in model.model_fields.items()
    }
    return model.model_construct(**values | given)


def _value(annotation: Any, text: str) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _value(arguments[0], text)
    if origin in {Union, UnionType}:
        return _value(next(one for one in arguments if one is not NoneType), text)
    if origin in {list, tuple}:
        return origin([_value(arguments[0], text)])
    if origin is dict or annotation is dict:
        return {text: _value(arguments[1], text) if arguments else text}
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return _filled(annotation, text)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next(iter(annotation))
    if isinstance(annotation, type) and issubclass(annotation, int | float):
        return annotation(0)
    return text


def _text(answer: Model) -> str:
    return answer.model_dump_json(by_alias=True, warnings=False)


def test_there_are_models_to_look_at():
    assert {IssueDetail, EventSummary, Interaction, ResolvedStack} <= set(REPORTING)


@pytest.mark.parametrize("model", REPORTING, ids=lambda model: model.__name__)
def test_of_every_model_what_nobody_known_reported_is_withheld(model: type[Model]):
    answer = _filled(model, "fact")
    shown = withheld(answer)

    assert CANARY in _text(answer)
    assert (CANARY in _text(shown)) is (model in CALLERS_OWN)
    assert "fact" in _text(shown) or "fact" not in _text(answer)
    if "withheld" in model.model_fields:
        assert shown.model_dump(warnings=False)["withheld"] is True


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_of_every_answer_what_nobody_known_reported_is_withheld(operation: Any):
    answer = _filled(operation.answer, "fact")

    assert (CANARY in _text(withheld(answer))) is (operation.answer in CALLERS_OWN)


@pytest.mark.parametrize("model", REPORTING, ids=lambda model: model.__name__)
def test_a_part_says_whose_word_it_is_or_is_withheld(model: type[Model]):
    """Nothing but `via`, `matched` and an issue's counts of events opens what is reported."""
    known = _filled(model, "fact", via=Via.SERVER) if "via" in model.model_fields else _filled(model, "fact")
    may_open = "via" in model.model_fields or model in CALLERS_OWN

    assert CANARY not in _text(withheld(known)) or may_open


@pytest.mark.parametrize(("known", "tags"), [(5, True), (4, False)])
def test_tags_are_shown_where_all_events_are_known(known: int, tags: bool):
    reported = ReportedDetail.model_construct(
        title="T", first_release="1", last_release="2", resolved_in="3", tags=["t"], stands_out=["o"]
    )
    trust = TrustCounts(authenticated=known - 1, matched=1)
    shown = withheld(_filled(IssueDetail, "fact", trust=trust, event_count=5, reported=reported)).reported

    assert isinstance(shown, ReportedIssue)
    told = shown.model_dump(warnings=False)
    assert told["title"] == "T"
    assert (bool(told["tags"]), bool(told["stands_out"])) == (tags, tags)
    assert [told[name] for name in ("first_release", "last_release", "resolved_in")] == [None] * 3


@pytest.fixture
def store_with_canaries(store: Store) -> Store:
    """A store with one issue that somebody known reported, one that nobody did, one of both; and other canaries."""
    origin = make_origin(store, "shop")
    hostile = from_sentry(origin, event(1, lambda field: f"{CANARY}-{field}"), Via.PUBLIC)
    store.record([hostile])
    report(store, origin, payload(errorType=TRUSTED, release=None), via=Via.SERVER)
    mixed = payload(errorType="MixedError", release=None, fingerprint=["mixed"])
    report(store, origin, mixed, via=Via.SERVER)
    stranger = {"message": CANARY, "release": f"{CANARY}-2", "tags": {CANARY: CANARY}, "environment": CANARY}
    report(store, origin, *[{**mixed, **stranger, "errorType": CANARY} for _ in range(3)])
    store.issues.change_status("shop-1", StatusRequest(Status.RESOLVED, f"{CANARY}-release", None, TESTER))
    report(store, origin, payload(fingerprint=["other"], release=f"{CANARY}-3", errorType=CANARY))
    around = InteractionFields(resource_id=CANARY, uow_id=CANARY, user_id=CANARY, external_response={CANARY: CANARY})
    store.record([from_payload(origin, payload(errorType=CANARY, fingerprint=["third"]), Via.PUBLIC, around)])
    return store


def _locked(store: Store) -> Context:
    return make_context(store, local_access("tester", TESTER.door).narrowed(lockdown=True))


def _asked(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return what each operation that reads is asked."""
    everything = make_context(store)
    issues = [item.short_id for item in GET_ERROR_ISSUES(everything, {}).items]
    events = {
        issue: [item.id for item in GET_ERROR_ISSUE_EVENTS(everything, {"issueId": issue}).items] for issue in issues
    }
    ids = [{"id": identity} for found in events.values() for identity in found]
    releases = [f"{CANARY}-release", f"{CANARY}-2", f"{CANARY}-3"]
    of_release = [{"origin": "shop", "release": release} for release in releases]
    return {
        "get_error_issues": [{}, {"query": CANARY}, {"trust": "matched"}],
        "get_error_issue": [
            {"issueId": issue, "event": which} for issue in issues for which in ("latest", "first", *events[issue])
        ],
        "get_error_issue_events": [{"issueId": issue} for issue in issues],
        "get_releases": [{"origin": "shop"}, {"origin": "shop", "query": CANARY}],
        "get_release": of_release,
        "list_sourcemaps": of_release,
        "explain_sourcemaps": ids,
        "list_interactions": [{}],
        "get_interaction": ids,
        "explain_grouping": ids,
        "list_origins": [{}],
        "get_origin": [{"id": "shop"}],
        "list_resource_types": [{}],
        "get_resource_type": [{"id": "ERROR"}],
        "list_actions": [{}],
        "get_action": [{"id": "CAUGHT"}],
        "list_keys": [{}],
        "get_access": [{}],
        "list_activity": [{}, {"issueId": "shop-1"}],
        "list_changes": [{}],
    }


def test_no_operation_that_reads_tells_a_canary(store_with_canaries: Store):
    asked = _asked(store_with_canaries)
    locked, opened = _locked(store_with_canaries), make_context(store_with_canaries)
    told = {}
    for operation in [operation for operation in OPERATIONS if operation.method == "GET"]:
        given = asked[operation.name]
        assert not any(CANARY in _text(operation(locked, one)) for one in given), operation.name
        told[operation.name] = any(CANARY in _text(operation(opened, one)) for one in given)

    assert told["get_error_issue"]
    assert told["get_interaction"]
    assert told["get_releases"]


def test_what_somebody_known_reported_is_told(store_with_canaries: Store):
    locked = _locked(store_with_canaries)
    listed = {item.short_id: item for item in GET_ERROR_ISSUES(locked, {}).items}
    known = GET_ERROR_ISSUE(locked, {"issueId": "shop-2"})
    mixed = GET_ERROR_ISSUE(locked, {"issueId": "shop-3"})

    assert str(listed["SHOP-2"].reported.title).startswith(TRUSTED)
    assert (listed["SHOP-2"].withheld, known.withheld) == (None, None)
    assert str(listed["SHOP-3"].reported.title).startswith("MixedError")
    assert listed["SHOP-1"].reported == ReportedIssue()
    assert listed["SHOP-1"].withheld is True
    assert known.event is not None
    assert known.event.reported is not None
    assert known.event.reported.error_type == TRUSTED
    assert [tag.key for tag in known.reported.tags] != []
    assert (mixed.reported.tags, mixed.withheld) == ([], True)


@pytest.mark.parametrize("which", ["latest", "first"])
def test_the_event_that_is_shown_is_one_that_may_be(store_with_canaries: Store, which: str):
    origin = store_with_canaries.origins.find("shop")
    mixed = payload(errorType="MixedError", fingerprint=["mixed"])
    report(store_with_canaries, origin, mixed | {"message": "the newest known"}, via=Via.LOCAL)
    report(store_with_canaries, origin, *[mixed | {"message": CANARY} for _ in range(40)])
    shown = GET_ERROR_ISSUE(_locked(store_with_canaries), {"issueId": "shop-3", "event": which}).event

    assert shown is not None
    assert shown.reported is not None
    assert (shown.reported.message == "the newest known") is (which == "latest")


def test_an_issue_that_nobody_known_reported_has_no_event_to_show(store_with_canaries: Store):
    found = GET_ERROR_ISSUE(_locked(store_with_canaries), {"issueId": "shop-1"})

    assert (found.event, found.withheld, found.event_count) == (None, True, 1)


@pytest.mark.parametrize(("stored", "withholds"), [(None, True), (3, True), (0, None)])
def test_events_of_which_none_may_be_shown_are_told_to_be_withheld(stored: int | None, withholds: bool | None):
    reported = ReportedDetail(title="T")
    known = _filled(
        IssueDetail,
        "fact",
        trust=TrustCounts(authenticated=5, matched=0),
        event_count=5,
        stored_event_count=stored,
        event=None,
        releases=[],
        history=[],
        withheld=None,
        reported=reported,
    )
    shown = withheld(known)

    assert (shown.reported, shown.withheld) == (reported, withholds)


def test_a_model_is_told_of_every_part_that_is_withheld(store_with_canaries: Store):
    locked = _locked(store_with_canaries)
    shown = to_json(GET_ERROR_ISSUE(locked, {"issueId": "shop-1"}))
    mixed = to_json(GET_ERROR_ISSUE(locked, {"issueId": "shop-3"}))
    known = to_json(GET_ERROR_ISSUE(locked, {"issueId": "shop-2"}))
    releases = to_json(GET_RELEASES(locked, {"origin": "shop"}))["items"]

    assert (shown["withheld"], shown["event"]) == (True, {"withheld": True})
    assert [(one.get("version"), one["withheld"]) for one in shown["releases"]] == [(None, True)]
    assert mixed["withheld"] is True
    assert "withheld" not in str(known)
    assert {("version" in row, row.get("withheld")) for row in releases} == {(False, True)}


def test_an_event_that_is_asked_for_by_its_id_is_shown_without_what_it_said(store_with_canaries: Store):
    locked = _locked(store_with_canaries)
    (summary,) = GET_ERROR_ISSUE_EVENTS(locked, {"issueId": "shop-1"}).items
    found = GET_ERROR_ISSUE(locked, {"issueId": "shop-1", "event": summary.id}).event

    assert found is not None
    assert (found.id, found.reported, found.withheld) == (summary.id, None, True)
    assert found.frames > 0


def test_a_refusal_tells_no_canary(store_with_canaries: Store):
    locked = _locked(store_with_canaries)
    asked: list[tuple[Callable[..., object], dict[str, Any]]] = [
        (GET_ERROR_ISSUES, {"release": "unknown"}),
        (GET_ERROR_ISSUE, {"issueId": "shop-99"}),
        (GET_ERROR_ISSUE, {"issueId": "shop-1", "event": "0" * 32}),
        (GET_INTERACTION, {"id": "0" * 32}),
    ]
    for operation, arguments in asked:
        with pytest.raises(NotFound) as refused:
            operation(locked, arguments)
        assert CANARY not in str(refused.value)


def test_who_records_is_not_told_what_a_stranger_sent_under_the_same_id(store_with_canaries: Store):
    sent = {"resourceType": "ERROR", "origin": "shop", "interaction": payload(eventId=event(1, str)["event_id"])}
    answer = RECORD_INTERACTION(_locked(store_with_canaries), sent)

    assert answer.duplicate is True
    assert CANARY not in _text(answer)


def test_no_question_finds_out_what_is_withheld(store: Store):
    origin = make_origin(store, "shop")
    hidden = payload(errorType="SecretError", release="secret-1", environment="hidden", message="a", fingerprint=["a"])
    report(store, origin, hidden)
    report(store, origin, payload(errorType="SecretError", release="known", fingerprint=["b"]), via=Via.SERVER)
    store.releases.register(origin.id, "secret-2", ReleaseDetails())
    locked, opened = _locked(store), make_context(store)

    def issues(context: Context, **asked: str) -> int:
        return GET_ERROR_ISSUES(context, asked).total

    def releases(context: Context, **asked: str) -> int:
        return GET_RELEASES(context, {"origin": "shop", **asked}).total

    assert (issues(opened, query="secreterror"), issues(locked, query="secreterror")) == (2, 1)
    assert issues(opened, release="secret-1") == 1
    with pytest.raises(NotFound):
        issues(locked, release="secret-1")
    assert (issues(opened, environment="hidden"), issues(locked, environment="hidden")) == (1, 0)
    assert (issues(opened), issues(locked)) == (2, 2)
    assert (releases(opened, query="secret"), releases(locked, query="secret")) == (2, 1)
    assert (releases(opened), releases(locked)) == (3, 3)
