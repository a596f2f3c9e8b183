"""An origin adds names whose values are removed, and names whose values are kept."""

from typing import Any

import orjson
import pytest

from provenance_core.free_json import clean_json
from provenance_core.normalize import normalize_interaction, normalize_sentry, prepare_sentry
from provenance_core.origins import Scrubbing
from provenance_core.sensitive import FILTERED, names_of

ADDED = Scrubbing(keys=("pin", "orderRef", "X-Tenant", "field 17", "Straße", "пароль"))
KEPT = Scrubbing(keep=("session_id", "card number", "Authorization", "csrf"))


@pytest.mark.parametrize(
    ("name", "is_sensitive"),
    [
        *((name, True) for name in ("pin", "PIN", "userPin", "pin_code", "order_ref", "order-ref", "lastOrderRefId")),
        *((name, True) for name in ("x-tenant", "xTenant", "X_TENANT", "field17", "Field-17", "STRAßE", "ПАРОЛЬ")),
        *((name, True) for name in ("password", "apiKey")),
        *((name, False) for name in ("pinned", "spin", "order", "ref", "refOrder", "tenant", "field1", "field", "17")),
    ],
)
def test_added_names_are_matched_word_by_word(name: str, is_sensitive: bool):
    assert names_of(ADDED.keys, ADDED.keep).is_sensitive(name) == is_sensitive


@pytest.mark.parametrize(
    ("name", "is_sensitive"),
    [
        *((name, False) for name in ("session_id", "sessionId", "SESSION-ID", "cardNumber", "authorization", "CSRF")),
        *((name, True) for name in ("user_session_id", "card_number_2", "proxy-authorization", "csrf_token", "token")),
    ],
)
def test_only_the_whole_of_a_kept_name_is_kept(name: str, is_sensitive: bool):
    assert names_of(KEPT.keys, KEPT.keep).is_sensitive(name) == is_sensitive


def everywhere(name: str, value: str) -> dict[str, Any]:
    bag = {name: value, "deep": [{name: value}, [name, value], {"key": name, "value": value}], "t": f"{name}={value}"}
    frame = {"function": "f", "vars": bag}
    return {
        "exception": [{"type": "E", "value": f"with {name}={value} and", "stacktrace": {"frames": [frame]}}],
        "breadcrumbs": [{"message": f"{name}={value}", "data": bag}],
        "contexts": {"c": bag},
        "extra": {"e": bag, "json": orjson.dumps(bag).decode()},
        "tags": {name: value},
        "request": {
            "url": f"https://x.example/a?{name}={value}",
            "query_string": {name: value},
            "headers": {name: value},
            "cookies": {name: value},
            "data": bag,
        },
    }


@pytest.mark.parametrize("name", ["pin", "userPin", "order_ref", "field17"])
@pytest.mark.parametrize("normalize", [normalize_sentry, normalize_interaction])
def test_values_of_added_names_survive_nowhere(normalize: Any, name: str):
    raw = everywhere(name, "hunter2")

    assert "hunter2" not in normalize(raw, scrubbing=ADDED).model_dump_json()
    assert "hunter2" in normalize(raw).model_dump_json()


def test_values_of_kept_names_survive_wherever_a_rule_would_remove_them():
    scrubbing = Scrubbing(keep=("session_id",))
    event = normalize_sentry(everywhere("session_id", "hunter2"), scrubbing=scrubbing)

    assert event.message == "with session_id=hunter2 and"
    assert event.frames[0].vars["session_id"] == event.contexts["c"]["session_id"] == "hunter2"
    assert event.frames[0].vars["deep"] == [
        {"session_id": "hunter2"},
        ["session_id", "hunter2"],
        {"key": "session_id", "value": "hunter2"},
    ]
    assert event.tags == {"session_id": "hunter2"}
    assert event.request is not None
    assert event.request.headers == {"session_id": "hunter2", "Cookie": FILTERED}
    assert event.request.query == "session_id=hunter2"
    assert event.marks.scrubbed == ("request.headers.Cookie",)


def test_a_kept_value_is_kept_though_it_has_a_shape_but_what_lies_deeper_is_not():
    raw = {"extra": {"a": {"orderNumber": "4111111111111111", "auth": {"password": "p", "user": "u"}}}}
    event = normalize_sentry(raw, scrubbing=Scrubbing(keep=("order number", "auth")))

    assert event.extra["a"] == {"orderNumber": "4111111111111111", "auth": {"password": FILTERED, "user": "u"}}


def test_what_is_added_and_kept_is_kept():
    event = normalize_sentry({"tags": {"pin": "1"}}, scrubbing=Scrubbing(keys=("pin",), keep=("PIN",)))

    assert event.tags == {"pin": "1"}


def test_added_names_reach_what_is_told_of_the_user():
    user = {"id": "7", "email": "a@b.example", "username": "ann", "ip_address": "10.0.0.1"}
    event = normalize_sentry({"user": user}, scrubbing=Scrubbing(keys=("email", "user ip")))

    assert event.user is not None
    assert (event.user.id, event.user.email, event.user.ip) == ("7", FILTERED, FILTERED)
    assert event.marks.scrubbed == ("user.email", "user.ip")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pin=1234", f"pin={FILTERED}"),
        ("the PIN: 1234", f"the PIN: {FILTERED}"),
        ("order ref: 77", f"order ref: {FILTERED}"),
        ("{'pin': 1234, 'a': 1}", f"{{'pin': '{FILTERED}', 'a': 1}}"),
        ("--pin 1234", f"--pin {FILTERED}"),
        ("<pin>1234</pin>", f"<pin>{FILTERED}</pin>"),
        ("pin%3D1234", f"pin%3D{FILTERED}"),
        ("pinned=1234 spin: 4", "pinned=1234 spin: 4"),
    ],
)
def test_texts_that_assign_to_added_names_are_filtered(text: str, expected: str):
    event = normalize_sentry({"message": text, "extra": {"a": text}}, scrubbing=ADDED)

    assert event.message == event.extra["a"] == expected


def test_free_json_follows_the_origin_too():
    value = {"pin": 1, "session_id": "s"}

    assert clean_json(value, 1000, scrubbing=ADDED).value == {"pin": FILTERED, "session_id": FILTERED}
    assert clean_json(value, 1000, scrubbing=KEPT).value == value


def test_what_is_stored_is_what_is_read():
    raw = everywhere("pin", "hunter2")
    content = orjson.loads(prepare_sentry(raw, scrubbing=ADDED).content)

    event = normalize_sentry(raw, scrubbing=ADDED)
    assert content == orjson.loads(event.model_dump_json(by_alias=True, exclude_defaults=True))
