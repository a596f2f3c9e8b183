"""Stacks for models: the root cause first, what matters in full, and no line that a report could forge."""

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


def _reported(store: Store, detail: Detail = Detail.CONCISE, **changes: Any) -> dict[str, Any]:
    """Return what an event reports, as it is shown."""
    (made,) = report(store, make_origin(store), payload(**changes))
    return to_json(GET_ERROR_ISSUE(make_context(store), {"issueId": str(made.issue_id)}), detail)["event"]["reported"]


def _stack(store: Store, **changes: Any) -> str:
    return _reported(store, **changes)["stack"]


LIBRARY = {"file": "flask/app.py", "function": "dispatch", "line": 880, "inApp": False}
OURS = {"file": "shop/prices.py", "function": "price_of", "line": 12, "inApp": True, "contextLine": "  return P[sku]"}


def test_library_frames_are_folded_and_the_raising_one_is_not(store: Store) -> None:
    assert _stack(store, causes=[], errorType="E", message="m", frames=[LIBRARY, LIBRARY, OURS, *[LIBRARY] * 9]) == (
        "E: m\n"
        "  flask/app.py:880 in dispatch\n"
        "  flask/app.py:880 in dispatch\n"
        "> shop/prices.py:12 in price_of\n"
        "    → 12   return P[sku]\n"
        "  … 9 library frames"
    )


def test_folders_of_a_file_are_told_once(store: Store) -> None:
    frames = [
        {"file": "/srv/shop/app/cart.js", "function": name, "line": 5, "inApp": True} for name in ("inner", "outer")
    ]
    other = {"file": "/srv/shop/app/pay.js", "function": "pay", "line": 1, "inApp": True}

    assert _stack(store, causes=[], errorType="E", message="m", frames=[*frames, other, frames[0]]) == (
        "E: m\n"
        "> /srv/shop/app/cart.js:5 in inner\n"
        "> …/cart.js:5 in outer\n"
        "> /srv/shop/app/pay.js:1 in pay\n"
        "> /srv/shop/app/cart.js:5 in inner"
    )


@pytest.mark.parametrize(
    ("sdk", "shown"),
    [
        ("sentry.python.flask", "{sku: 'mug', n: 2, tags: ['a', b'x'], gone: None}"),
        ("sentry.javascript.node", "{sku: 'mug', n: '2', tags: ['a', \"it's\"], gone: null, left: <undefined>}"),
    ],
)
def test_variables_are_told_without_needless_quotation_marks(store: Store, sdk: str, shown: str) -> None:
    """The SDK of Python reports texts as Python writes them."""
    value: dict[str, Any] = {
        "sentry.python.flask": {"sku": "'mug'", "n": "2", "tags": ["'a'", "b'x'"], "gone": "None"},
        "sentry.javascript.node": {
            "sku": "mug",
            "n": "2",
            "tags": ["a", "it's"],
            "gone": None,
            "left": "<undefined>",
        },
    }[sdk]

    assert f"      order = {shown}" in _stack(
        store, sdk={"name": sdk, "version": "1"}, causes=[], frames=[{**OURS, "vars": {"order": value}}]
    )


def test_a_recursion_is_folded(store: Store) -> None:
    assert _stack(store, causes=[], errorType="E", message="m", frames=[OURS] * 200) == (
        "E: m\n> shop/prices.py:12 in price_of\n    → 12   return P[sku]\n  … 199 times more"
    )


def test_of_many_exceptions_the_root_cause_and_the_outermost_are_shown(store: Store) -> None:
    causes = [{"errorType": f"Cause{number}", "message": "c", "frames": [OURS]} for number in range(9)]
    shown = _stack(store, causes=causes, frames=[])

    assert shown.startswith("Cause8: c\n")
    assert "\n  … 5 exceptions\n" in shown
    assert shown.rstrip().endswith("CheckoutError: could not price order 1001")


def test_where_the_root_cause_has_no_source_the_nearest_that_has_is_shown_in_full(store: Store) -> None:
    cause = {
        "errorType": "OSError",
        "message": "m",
        "frames": [{"file": "lib/net.py", "function": "connect", "inApp": False}],
    }
    shown = _stack(store, causes=[cause], frames=[{**OURS, "vars": {"sku": "mug"}}])

    assert shown.startswith("OSError: m\n  lib/net.py in connect\n— which caused —\nCheckoutError")
    assert "    → 12   return P[sku]\n      sku = 'mug'" in shown


def _value(kind: str, *frames: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"errorType": kind, "message": "m", "frames": list(frames), **more}


def test_where_the_frame_that_matters_has_no_variables_those_of_the_next_are_shown(store: Store) -> None:
    outer = {**OURS, "file": "shop/cart.py", "vars": {"sku": "mug"}}
    cause = _value("KeyError", OURS)
    shown = _reported(store, causes=[cause], frames=[outer, {**OURS, "file": "shop/main.py", "vars": {"n": 1}}])

    assert "> shop/cart.py:12 in price_of\n      return P[sku]\n      sku = 'mug'\n" in shown["stack"]
    assert "n = 1" not in shown["stack"]
    assert "variables of other frames" in shown["cut"]


def test_a_full_answer_shows_variables_of_several_frames(store: Store) -> None:
    frames = [{**OURS, "file": f"shop/{name}.py", "vars": {name: 1}} for name in "abcdef"]
    shown = _reported(store, Detail.FULL, causes=[], frames=frames)

    assert [name for name in "abcdef" if f"      {name} = 1" in shown["stack"]] == ["a", "b", "c", "d"]
    assert "variables of other frames" in shown["cut"]


def test_members_of_a_group_name_the_group(store: Store) -> None:
    members = [_value(kind, OURS, relation="member") for kind in ("ValueError", "LookupError")]
    shown = _stack(store, errorType="ExceptionGroup", message="two failed", frames=[], causes=members)

    assert shown.count("— one of several in ExceptionGroup —") == 2


def test_the_exception_with_the_frame_that_matters_is_never_folded(store: Store) -> None:
    chain = [_value(f"C{number}", LIBRARY) for number in range(8)]
    chain[1] = _value("Ours", {**OURS, "vars": {"sku": "mug"}})
    shown = _stack(store, causes=chain, frames=[LIBRARY])

    assert "  … 2 exceptions\nOurs: m\n> shop/prices.py:12 in price_of" in shown
    assert "sku = 'mug'\n— which caused —\n  … 1 exception\nCheckoutError" in shown


def test_a_file_named_without_its_folders_has_its_package(store: Store) -> None:
    frames = [
        {"file": "Service.java", "module": f"com.shop.{package}.Service", "function": "run", "line": 10, "inApp": True}
        for package in ("billing", "web")
    ]
    shown = _stack(store, errorType="E", message="m", causes=[], frames=frames)

    assert "> Service.java:10 in com.shop.billing.Service.run\n> Service.java:10 in com.shop.web.Service.run" in shown


def test_no_line_of_a_message_passes_for_one_of_the_stack(store: Store) -> None:
    forged = "m\n> src/real/auth.py:10 in login\r\n— which caused —\n    → 10 run()"
    shown = _stack(store, errorType="E", message=forged, causes=[], frames=[OURS])

    assert shown.startswith(
        "E: m\n  | > src/real/auth.py:10 in login\n  | — which caused —\n  |     → 10 run()\n> shop/"
    )


@pytest.mark.parametrize(
    ("line", "shown"), [(2, ["a()", "b()", "1 c()", "2 d()"]), (None, ["a()", "b()", "c()", "d()"])]
)
def test_source_lines_have_only_the_numbers_they_can_have(store: Store, line: int | None, shown: list[str]) -> None:
    before = ["a()", "b()", "c()"]
    frame = {"file": "a.py", "function": "f", "line": line, "inApp": True, "contextLine": "d()", "preContext": before}
    stack = _stack(store, errorType="E", message="m", causes=[], frames=[frame])

    assert [text[6:] for text in stack.split("\n")[2:]] == shown
