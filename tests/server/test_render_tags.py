"""Tags, breadcrumbs and what stands around a stack, for models: right, told once, and cut only where that is said."""

from __future__ import annotations

from typing import Any

import pytest
from tests.factory import make_context, make_origin, payload, report
from tests.rendering import to_json
from tests.stores import Kind

from provenance_server.arguments import Detail
from provenance_server.operations import GET_ERROR_ISSUE
from provenance_storage.store import Store


@pytest.fixture
def store_kind() -> Kind:
    """Return one kind of store: what is rendered is the same on either."""
    return "sqlite"


def _shown(
    store: Store, *events: dict[str, Any], detail: Detail = Detail.CONCISE, event: str = "latest"
) -> dict[str, Any]:
    report(store, make_origin(store), *(payload(fingerprint=["same"], **one) for one in events))
    return to_json(GET_ERROR_ISSUE(make_context(store), {"issueId": "shop-1", "event": event}), detail)


def _tagged(key: str, *values: str) -> list[dict[str, Any]]:
    return [{"tags": {key: value}} for value in values]


@pytest.mark.parametrize("detail", list(Detail))
def test_values_that_differ_at_their_ends_are_counted_apart(store: Store, detail: Detail) -> None:
    pod = "checkout-worker-deployment-of-the-european-production-cluster-7f9d8c6b5d-replica-number-{}-in-zone-{}"
    names = [pod.format(number, zone) for number, zone in ((101, "a"), (101, "a"), (102, "b"), (102, "b"), (103, "c"))]
    shown = _shown(store, *_tagged("pod", *names), detail=detail)

    spread = shown["reported"]["tags"]["pod"]
    assert sorted(spread.values()) == [1, 2, 2]
    assert {name[-1] for name in spread} == set("abc")
    assert "ends of long texts" in shown["reported"]["cut"] or detail is Detail.FULL


def test_values_that_look_alike_are_still_counted_apart(store: Store) -> None:
    shown = _shown(store, *_tagged("pod", *(f"{'a' * 80} {'-' * n} {'b' * 80}" for n in (1, 2, 2))))

    spread = shown["reported"]["tags"]["pod"]
    assert sorted(spread.values()) == [1, 2]
    assert any(name.endswith(" #2") for name in spread)


def test_tags_that_differ_between_events_stand_first_and_missing_ones_are_counted(store: Store) -> None:
    same = {f"a{number:02}": "x" for number in range(13)}
    tenants = ["acme"] * 5 + ["other"]
    shown = _shown(store, *({"tags": same | {"tenant": tenant, "level": "error"}} for tenant in tenants))
    tags = shown["reported"]["tags"]

    assert next(iter(tags)) == "tenant"
    assert tags["tenant"] == {"acme": 5, "other": 1}
    assert shown["event"]["reported"]["tags"] == {"tenant": "other"}
    assert [text for text in shown["reported"]["cut"] if text.endswith(" tags")] != []


def test_what_is_told_of_all_events_is_left_out_only_where_it_is_told_whole(store: Store) -> None:
    long = "GET /api/v2/organizations/{organization_slug}/projects/{project_slug}/releases/{version}/files/{file_id}"
    shown = _shown(store, {"transaction": long, "environment": "production"})

    assert shown["event"]["reported"]["transaction"] == long
    assert "environment" not in shown["event"]["reported"]
    assert "ends of long texts" in shown["reported"]["cut"]


def test_hidden_values_of_a_tag_are_said(store: Store) -> None:
    shown = _shown(store, *_tagged("pod", *(f"web-{number}" for number in range(9))))

    assert len(shown["reported"]["tags"]["pod"]) == 3
    assert shown["reported"]["cut"] == ["values of tags", "the rest: detail=full"]


def test_a_full_answer_tells_all_tags_of_its_event(store: Store) -> None:
    shown = _shown(store, {"tags": {"tenant": "acme", "plan": "pro"}}, detail=Detail.FULL)

    assert shown["event"]["reported"]["tags"] == {"tenant": "acme", "plan": "pro"}


def test_the_level_of_an_event_is_told_where_it_is_not_the_issues(store: Store) -> None:
    first = _shown(store, {"level": "fatal"}, {"level": "warning"}, event="first")
    latest = to_json(GET_ERROR_ISSUE(make_context(store), {"issueId": "shop-1"}))

    assert {first["reported"]["level"], first["event"]["reported"].get("level")} == {"warning", "fatal"}
    assert "level" not in latest["event"]["reported"]


@pytest.mark.parametrize(
    ("carried", "said"),
    [
        ({"request": {"method": "POST", "url": "/", "data": {"n": 1}}, "contexts": {}, "extra": {}}, ["request body"]),
        (
            {"request": {"url": "/", "headers": {"accept": "*/*"}}, "contexts": {}, "extra": {"n": 1}},
            ["headers, extra"],
        ),
        ({"request": {"url": "/"}, "contexts": {}, "extra": {}}, []),
    ],
)
def test_only_what_an_event_carries_is_said_to_be_cut(store: Store, carried: dict[str, Any], said: list[str]) -> None:
    cut = _shown(store, {"frames": [], "causes": [], **carried})["event"]["reported"].get("cut", [])

    assert cut[:-1] == said


def test_breadcrumbs_of_several_days_have_their_dates(store: Store) -> None:
    moments = ["2026-11-21T03:00:00Z", "2026-11-22T03:00:00Z", "2026-11-22T03:00:00.7Z", None]
    crumbs = [{"category": "job", "message": "done", **({"timestamp": at} if at else {})} for at in moments]
    shown = _shown(store, {"breadcrumbs": crumbs})

    assert shown["event"]["reported"]["breadcrumbs"] == [
        "2026-11-21T03:00:00Z job done",
        "2026-11-22T03:00:00Z job done",
        "job done",
        "- job done",
    ]


def test_values_of_breadcrumbs_cannot_be_taken_for_others(store: Store) -> None:
    crumbs = [{"category": "ui", "data": {"id": "7", "n": 7, "path": "/cart", "flag": "true"}}]
    shown = _shown(store, {"breadcrumbs": crumbs})

    assert shown["event"]["reported"]["breadcrumbs"] == ["- ui id='7' n=7 path=/cart flag='true'"]
