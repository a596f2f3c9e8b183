from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.events import Event
from provenance_core.normalize import normalize_sentry
from provenance_core.sensitive import FILTERED, is_sensitive
from provenance_core.shapes import is_card

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY-----"
CARD = "4111 1111 1111 1111"


def scrubbed(**fields: Any) -> Event:
    return normalize_sentry(fields)


@pytest.mark.parametrize(
    "key",
    [
        *("password", "PASSWORD", "dbPassword", "db_passwd", "user-password", "userpassword", "passphrase", "pwd"),
        *("apiKey", "api_key", "API-KEY", "x-api-key", "APIKey", "apikey", "auth_token", "authToken", "access_token"),
        *("token", "csrfmiddlewaretoken", "X-Csrf-Token", "csrf", "secret", "client_secret", "clientsecret"),
        *(
            "AWS_SECRET_ACCESS_KEY",
            "private_key",
            "privateKey",
            "PrivateKey2",
            "credentials",
            "auth",
            "HTTP_AUTHORIZATION",
        ),
        *("otp", "two_factor", "mysql_pwd", "sessionid", "session_id", "cookie", "Set-Cookie", "cvv", "card_number"),
    ],
)
def test_keys_that_name_a_secret_are_sensitive(key: str):
    assert is_sensitive(key)


@pytest.mark.parametrize(
    "key",
    [
        *("author", "authors", "tokenizer", "tokenize", "max_tokens", "token_count", "tokenType", "secretary", "key"),
        *("keyboard", "api", "passenger", "compass", "user", "email", "session", "sku", "monkey", "", "1234", "æøå"),
    ],
)
def test_keys_that_only_resemble_one_are_not(key: str):
    assert not is_sensitive(key)


def test_values_under_sensitive_keys_are_filtered_wherever_they_stand():
    event = scrubbed(
        exception={
            "values": [{"stacktrace": {"frames": [{"function": "f", "vars": {"a": {"apiKey": "'k'"}, "n": "1"}}]}}]
        },
        breadcrumbs=[{"message": "x", "data": {"password": 12345}}],
        request={
            "headers": {"Authorization": "Basic abc", "x-api-key": "k", "X-Forwarded-For": "10.0.0.1", "Host": "h"},
            "cookies": {"a": "b"},
            "data": {"deep": [{"client_secret": {"a": 1}}], "name": "Ann"},
        },
        extra={"pairs": [["Authorization", "abc"], ["Host", "h"]], "named": [{"key": "token", "value": "abc"}]},
        contexts={"app": {"auth_token": "t", "build": 7}},
        tags={"password": "p", "page": "cart"},
    )

    assert event.frames[0].vars == {"a": {"apiKey": FILTERED}, "n": "1"}
    assert event.breadcrumbs[0].data == {"password": FILTERED}
    assert event.request is not None
    assert event.request.headers == {
        "Authorization": FILTERED,
        "x-api-key": FILTERED,
        "X-Forwarded-For": FILTERED,
        "Host": "h",
        "Cookie": FILTERED,
    }
    assert event.request.data == {"deep": [{"client_secret": FILTERED}], "name": "Ann"}
    assert event.extra["pairs"] == [["Authorization", FILTERED], ["Host", "h"]]
    assert event.extra["named"] == [{"key": "token", "value": FILTERED}]
    assert event.contexts == {"app": {"auth_token": FILTERED, "build": 7}}
    assert event.tags == {"password": FILTERED, "page": "cart"}
    assert set(event.marks.scrubbed) >= {
        "frames.0.vars.a.apiKey",
        "breadcrumbs.0.data.password",
        "request.headers.Authorization",
        "request.data.deep.0.client_secret",
        "extra.pairs.0.Authorization",
        "extra.named.0.value",
        "tags.password",
    }


def test_the_senders_own_objects_stay_as_they_were():
    raw = {"extra": {"a": {"password": "p"}}, "request": {"headers": {"Cookie": "c"}, "data": {"token": "t"}}}

    normalize_sentry(raw)

    assert raw == {"extra": {"a": {"password": "p"}}, "request": {"headers": {"Cookie": "c"}, "data": {"token": "t"}}}


@pytest.mark.parametrize("value", [None, True, False, "", "None", {}, []])
def test_what_gives_nothing_away_is_kept_as_it_may_be_the_bug(value: object):
    event = scrubbed(extra={"a": {"password": value}})

    assert event.extra["a"]["password"] == value
    assert event.marks.scrubbed == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sent Bearer abcdef123456 to x", f"sent Bearer {FILTERED} to x"),
        ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: Basic {FILTERED}"),
        ("Bearer authentication failed", "Bearer authentication failed"),
        (f"bad token {JWT}!", f"bad token {FILTERED}!"),
        (f"key {PEM} end", f"key {FILTERED} end"),
        ("key -----BEGIN PRIVATE KEY-----\nMIIE", f"key {FILTERED}"),
        ("cannot reach postgres://shop:s3cr3t@db/shop", f"cannot reach postgres://{FILTERED}@db/shop"),
        ("see https://example.org:8080/a@b", "see https://example.org:8080/a@b"),
        (f"card {CARD} declined", f"card {FILTERED} declined"),
        ("card 4111-1111-1111-1111 declined", f"card {FILTERED} declined"),
        ("card 378282246310005 declined", f"card {FILTERED} declined"),
        ("card 4111111111111112 declined", "card 4111111111111112 declined"),
        ("at 1773480413589 and 16.990000000000002", "at 1773480413589 and 16.990000000000002"),
        ("iban DE89 3704 0044 0532 0130 00 used", f"iban {FILTERED} used"),
        ("iban DE89370400440532013001 used", "iban DE89370400440532013001 used"),
        ("ssn 078-05-1120", f"ssn {FILTERED}"),
        ("on 2026-03-14 10:20", "on 2026-03-14 10:20"),
        ("login password=hunter2 failed", f"login password={FILTERED} failed"),
        ("connect(host='db', password='hunter 2')", f"connect(host='db', password={FILTERED})"),
        ("page=2 author=ann", "page=2 author=ann"),
        ('body {"user":"ann","password":"p\\"x"}', f'body {{"user":"ann","password":"{FILTERED}"}}'),
        ("{'user': 'ann', 'api_key': 'k'}", f"{{'user': 'ann', 'api_key': '{FILTERED}'}}"),
        ('{"auth":{"user":"a","key":"b', f'{{"auth":"{FILTERED}"'),
        ('{"otp":123456,"a":1}', f'{{"otp":"{FILTERED}","a":1}}'),
        (r'"{\"token\":\"abc\"}"', r'"{\"token\":\"' + FILTERED + r'\"}"'),
        ("GET https://x.example/y?a=1&access_token=abc", f"GET https://x.example/y?a=1&access_token={FILTERED}"),
    ],
)
def test_secrets_in_texts_are_replaced_in_place(text: str, expected: str):
    event = scrubbed(message=text, extra={"a": text}, breadcrumbs=[{"message": text}])

    assert event.message == expected
    assert event.extra["a"] == expected
    assert event.breadcrumbs[0].message == expected
    assert (event.marks.scrubbed == ()) == (text == expected)


@pytest.mark.parametrize(
    ("url", "query", "expected_url", "expected_query"),
    [
        ("https://x/y?a=1&api_key=k", None, "https://x/y", f"a=1&api_key={FILTERED}"),
        ("https://x/y", {"token": "a b", "p": "1"}, "https://x/y", f"token={FILTERED}&p=1"),
        ("https://x/y", [["password", "p,(1)"]], "https://x/y", f"password={FILTERED}"),
        ("https://u:p@x/y", "a=1", f"https://{FILTERED}@x/y", "a=1"),
    ],
)
def test_parameters_of_the_request_are_filtered(url: str, query: object, expected_url: str, expected_query: str):
    request = scrubbed(request={"url": url, "query_string": query}).request

    assert request is not None
    assert request.url == expected_url
    assert request.query == expected_query


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"user": "ann", "password": "p"}', f'{{"user":"ann","password":"{FILTERED}"}}'),
        ('{"user": "ann"}', '{"user": "ann"}'),
        ('{"user": "ann", "password": "cut off', f'{{"user": "ann", "password": "{FILTERED}"'),
        ("user=ann&password=a(b,c&x=1", f"user=ann&password={FILTERED}&x=1"),
        (f"user=ann&card={CARD.replace(' ', '')}", f"user=ann&card={FILTERED}"),
    ],
)
def test_bodies_are_filtered_as_json_or_form(body: str, expected: str):
    request = scrubbed(request={"data": body}).request

    assert request is not None
    assert request.data == expected


def test_numbers_that_are_cards_are_filtered():
    assert scrubbed(extra={"a": {"n": 4111111111111111, "m": 4111111111111112}}).extra["a"] == {
        "n": FILTERED,
        "m": 4111111111111112,
    }


def test_names_of_code_and_what_is_told_of_the_user_stay():
    path = "/srv/password=abc/token.py"
    frame = {
        "filename": path,
        "abs_path": path,
        "function": "Bearer abcdef123456",
        "module": "auth",
        "context_line": "x",
    }
    event = scrubbed(
        exception=[{"type": "TokenError password=1", "value": "x", "stacktrace": {"frames": [frame]}}],
        user={"id": "1773480413589", "email": "a@b.example", "username": "password=1"},
    )

    assert event.frames[0].file == event.frames[0].abs_path == path
    assert event.frames[0].function == "Bearer abcdef123456"
    assert event.error_type == "TokenError password=1"
    assert event.user is not None
    assert (event.user.id, event.user.email, event.user.username) == ("1773480413589", "a@b.example", "password=1")


def test_source_lines_are_filtered_by_shape_only():
    frame = {
        "function": "f",
        "pre_context": ["password = read()", f"TOKEN = '{JWT}'"],
        "context_line": "login(password=password)",
        "post_context": ["connect('redis://:pw@h')"],
    }
    event = scrubbed(exception=[{"type": "E", "stacktrace": {"frames": [frame]}}])

    assert event.frames[0].pre_context == ("password = read()", f"TOKEN = '{FILTERED}'")
    assert event.frames[0].context_line == "login(password=password)"
    assert event.frames[0].post_context == (f"connect('redis://{FILTERED}@h')",)
    assert event.marks.scrubbed == ("frames.0.preContext", "frames.0.postContext")


def test_versions_of_packages_stay():
    versions = {"pyjwt": "2.8.0", "google-auth": "2.29.0.post1", "local": ""}

    assert scrubbed(modules=versions).extra["modules"] == versions
    assert scrubbed(modules={"auth": "hunter2"}).extra["modules"] == {"auth": FILTERED}


def test_marks_are_bounded():
    event = scrubbed(extra={"a": {f"password{n}": "p" for n in range(500)}})

    assert len(event.marks.scrubbed) == 50
    assert set(event.extra["a"].values()) == {FILTERED}


@pytest.mark.parametrize(
    ("digits", "expected"),
    [("4111111111111111", True), ("5555555555554444", True), ("1" * 16, False), ("0" * 16, False), ("411111", False)],
)
def test_card_numbers_have_a_prefix_and_a_check_digit(digits: str, expected: bool):
    assert is_card(digits) == expected


@given(
    st.text("a=:\"'{}[] \\&;pwd4-/@.", max_size=40).map(
        lambda text: text.replace("w", "password").replace("d", "token")
    )
)
def test_scrubbing_twice_is_scrubbing_once(text: str):
    once = scrubbed(message=text, extra={"a": text}, request={"data": text, "query_string": text})
    again = scrubbed(
        message=once.message,
        extra=once.extra,
        request={"data": once.request and once.request.data, "query_string": once.request and once.request.query},
    )

    assert again.message == once.message
    assert again.extra == once.extra
    assert again.request == once.request
