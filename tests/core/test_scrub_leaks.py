"""No secret survives under a sensitive name, however deep it lies and in whatever form it is written."""

import json
import time
import tracemalloc
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance_core.assignments import without_assigned
from provenance_core.events import Event
from provenance_core.fingerprint import Strategy, fingerprint
from provenance_core.normalize import normalize_interaction, normalize_sentry, prepare_sentry
from provenance_core.origins import Scrubbing
from provenance_core.sensitive import FILTERED

SECRET = "hunter2-SECRET"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


def written(event: Event) -> str:
    return event.model_dump_json(by_alias=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'response: {"data": {"password": "hunter2"}, "n": 1}',
            f'response: {{"data": {{"password": "{FILTERED}"}}, "n": 1}}',
        ),
        ("args {'payload': {'token': 'hunter2'}}", f"args {{'payload': {{'token': '{FILTERED}'}}}}"),
        (
            r'{"body": "{\"password\": \"hunter2\"}", "a": 1}',
            r'{"body": "{\"password\": \"[Filtered]\"}", "a": 1}',
        ),
        (r'"{\"a\":\"{\\\"pwd\\\":\\\"x\\\"}\"}"', r'"{\"a\":\"{\\\"pwd\\\":\\\"[Filtered]\\\"}\"}"'),
        ('{"password": {"x": "a}b", "y": "hunter2"}, "z": 1}', f'{{"password": "{FILTERED}", "z": 1}}'),
        ('{"auth": ["a", "hunter2"], "z": 1}', f'{{"auth": "{FILTERED}", "z": 1}}'),
        ("{'password': SecretStr('hunter2'), 'a': 1}", f"{{'password': '{FILTERED}', 'a': 1}}"),
        ("{'token': <Token 'hunter2'>, 'a': 1}", f"{{'token': '{FILTERED}', 'a': 1}}"),
        ("{b'password': b'hunter2'}", f"{{b'password': '{FILTERED}'}}"),
        ("'password' => 'hunter2'", f"'password' => '{FILTERED}'"),
        ("[password] => hunter2", f"[password] => {FILTERED}"),
        ("user[password]=hunter2&x=1", f"user[password]={FILTERED}&x=1"),
        ("[(b'cookie', b'a=hunter2'), (b'host', b'x')]", f"[(b'cookie', '{FILTERED}'), (b'host', b'x')]"),
        ("{ user: 'ann', password: 'hunter2', n: 1 }", f"{{ user: 'ann', password: {FILTERED}, n: 1 }}"),
        ("login failed, password: hunter2", f"login failed, password: {FILTERED}"),
        ("api key: hunter2", f"api key: {FILTERED}"),
        ("X-Api-Key: abc123def", f"X-Api-Key: {FILTERED}"),
        ("Authorization: ApiKey abc", f"Authorization: ApiKey {FILTERED}"),
        ("Cookie: sessionid=a; csrftoken=b", f"Cookie: {FILTERED}"),
        ("map[password:hunter2 user:x]", f"map[password:{FILTERED} user:x]"),
        ("mysql --password hunter2 -u x", f"mysql --password {FILTERED} -u x"),
        ("['mysql', '--password', 'hunter2']", f"['mysql', '--password', '{FILTERED}']"),
        ("<u><password>hunter2</password></u>", f"<u><password>{FILTERED}</password></u>"),
        ("<password><![CDATA[hunter2]]></password>", f"<password><![CDATA[{FILTERED}</password>"),
        ("password%3Dhunter2", f"password%3D{FILTERED}"),
        ("password%253Dhunter2", f"password%253D{FILTERED}"),
        ("line\\npwd=hunter2", f"line\\npwd={FILTERED}"),
        ("token: 5", f"token: {FILTERED}"),
        ("https://ghp_abc@github.com/x", f"https://{FILTERED}@github.com/x"),
        ("postgres://bob:hun@ter2@db/x", f"postgres://{FILTERED}@db/x"),
        ("sent Basic aHVudGVyMjpodW50ZXIy", f"sent Basic {FILTERED}"),
    ],
)
def test_secrets_are_found_in_every_form_of_writing(text: str, expected: str):
    event = normalize_sentry({"message": text, "extra": {"a": [text]}, "tags": {"a": text}})

    assert event.message == expected
    assert event.extra["a"] == [expected]
    assert event.tags["a"] == expected
    assert normalize_sentry({"message": expected}).marks.scrubbed == ()


@pytest.mark.parametrize(
    "text",
    [
        *("author: bob", "token count: 5", "passed: 3", "TokenExpiredError: jwt expired", "password:\nTraceback"),
        *("jwt.exceptions.InvalidTokenError: bad", "Unexpected token: punc (;)", "Unexpected token '<'"),
        *("Invalid password: must be at least 8", "password: This field is required.", "authorization: denied for x"),
        *("auth::Session Token::new()", "at /srv/auth:10:5", "    token = get_token(request)", "use --token to pass"),
        *("def f(password: str)", "cannot cast List<Token> to Set<Token>", "<a>List<Token> foo</a>"),
        *("getattr(self, 'token', None)", "ssh://git@github.com/x", "Basic authentication failed", "password: null, a"),
        *('{"password":"","a":1}', "{'token': None}", "https://x.example/?email=a@b.example", "%22a%22%3A1"),
    ],
)
def test_what_only_resembles_a_secret_stays(text: str):
    event = normalize_sentry({"message": text, "extra": {"a": text}})

    assert event.message == event.extra["a"] == text


def test_identities_are_filtered_by_shape():
    bearer = "Bearer abcdefghijklmnop"
    event = normalize_sentry(
        {
            "user": {"id": "4111111111111111", "email": "a@b.example", "username": bearer},
            "logger": "password=hunter2",
            "server_name": "password=hunter2",
            "environment": f"x {bearer}",
            "release": JWT[:190],
            "transaction": bearer,
            "fingerprint": ["auth: login", bearer],
        }
    )

    assert event.user is not None
    assert (event.user.id, event.user.email, event.user.username) == (FILTERED, "a@b.example", f"Bearer {FILTERED}")
    assert event.logger == event.server_name == f"password={FILTERED}"
    assert event.environment == f"x Bearer {FILTERED}"
    assert event.release == FILTERED
    assert event.transaction == f"Bearer {FILTERED}"
    assert event.fingerprint == ("auth: login", f"Bearer {FILTERED}")
    assert {"user.id", "release", "fingerprint.1"} <= set(event.marks.scrubbed)


def test_arguments_of_a_command_are_filtered():
    event = normalize_sentry({"extra": {"argv": ["mysql", "--password", "hunter2", "-u", "x"]}})

    assert event.extra["argv"] == ["mysql", "--password", FILTERED, "-u", "x"]


def test_the_marks_tell_no_secret():
    event = normalize_sentry({"extra": {"a": ["token=hunter2", 4], "b": ["token", "hunter2"]}})

    assert event.extra == {"a": [f"token={FILTERED}", 4], "b": ["token", FILTERED]}
    assert event.marks.scrubbed == ("extra.b.token", "extra.a.0")


def test_a_body_that_was_cut_is_filtered():
    body = json.dumps({"a": {"password": SECRET}, "b": ["x" * 80] * 200, "c": {"token": SECRET}})

    event = normalize_sentry({"request": {"data": body}})

    assert event.request is not None
    assert event.marks.trimmed["request.data"] == len(body)
    assert SECRET not in written(event)


# ---- any depth, any form, any field

KEYS = st.sampled_from(["password", "apiKey", "DB_PASSWORD", "access_token", "X-Auth-Token", "client_secret", "pwd"])
HARMLESS = st.sampled_from(["a", "data", "user", "body", "payload", "it's", 'say "x"'])
BESIDE = st.sampled_from([None, 1, True, "x", "a: b", "it's", 'q"', "back\\", "[1]", "{", "é"])
SECRETS = st.sampled_from([SECRET, f"a'b {SECRET}", f'a"b {SECRET}', f"a\\{SECRET}", f"x}} {SECRET}", f"é {SECRET}"])
VALUES = st.one_of(
    SECRETS, SECRETS.map(lambda secret: [1, secret]), SECRETS.map(lambda secret: {"b": [secret], "c": 1})
)


def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.tuples(HARMLESS, inner, BESIDE).map(lambda it: {"first": it[2], it[0]: it[1], "last": it[2]}),
        st.tuples(inner, BESIDE).map(lambda it: [it[1], it[0], it[1]]),
        inner.map(json.dumps),
        inner.map(lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)),
        inner.map(repr),
        inner.map(lambda value: json.dumps(value, indent=2)),
    )


LEAKS = st.recursive(st.tuples(KEYS, VALUES).map(lambda it: {it[0]: it[1]}), around, max_leaves=5)
TEXTS = LEAKS.flatmap(lambda value: st.sampled_from([json.dumps(value), repr(value), json.dumps(value, indent=1)]))


def in_every_field(value: Any, text: str) -> dict[str, Any]:
    frame = {"function": "f", "vars": {"v": value, "r": text}}
    return {
        "exception": {"values": [{"type": "E", "value": f"got {text}", "stacktrace": {"frames": [frame]}}]},
        "message": text,
        "extra": {"v": value, "t": text},
        "contexts": {"c": {"v": value, "t": f"was {text}"}},
        "breadcrumbs": [{"message": text, "data": {"v": value, "t": text}}, {"message": f"sent {text} to x"}],
        "request": {
            "url": f"https://x.example/a?{urlencode({'q': text})}#{quote(text)}",
            "query_string": {"filter": text, "v": "1"},
            "headers": {"X-Data": text},
            "data": value,
        },
        "tags": {"t": text[:190]},
        "transaction": f"GET {text}",
        "logger": text,
        "server_name": text,
        "environment": text,
    }


@settings(deadline=None, max_examples=300)
@given(LEAKS, TEXTS)
def test_no_secret_survives_in_any_field(value: Any, text: str):
    for normalize in (normalize_sentry, normalize_interaction):
        event = normalize(in_every_field(value, text))
        assert "SECRET" not in written(event)
        body = normalize({"request": {"data": text, "url": "https://x/", "query": quote(text)}})
        assert "SECRET" not in written(body)


@settings(deadline=None, max_examples=300)
@given(TEXTS, st.integers(0, 400))
def test_no_secret_survives_in_a_text_that_was_cut(text: str, end: int):
    assert "SECRET" not in without_assigned(text[:end])


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "part",
    [
        *(
            "a=",
            "password=",
            "password: ",
            "'password':",
            '"password":"',
            "'a':",
            "=",
            ":",
            ",",
            '\\"',
            "\\",
            "('token',",
        ),
        *(
            "<password>",
            "--password ",
            "password%3D",
            "%3D",
            "password=(",
            "password={'",
            "['",
            "'token': {",
            "Cookie: a=",
        ),
        *(
            "<Token>",
            "</",
            "api key: ",
            "://a@",
            "://",
            "Basic aaaaaaaa ",
            '\\"token\\":\\"',
            "'token','",
            "password=<",
        ),
    ],
)
def test_texts_take_linear_time(part: str):
    text = ("password=a </b> " + part * 65_536)[:65_536]
    started = time.perf_counter()

    normalize_interaction({"stack": text})

    assert time.perf_counter() - started < 1


def test_calls_within_calls_take_linear_time() -> None:
    nested = "token= f(" * 1600 + ")" * 1600
    began = time.process_time()
    normalize_sentry({"message": "x", "extra": {f"v{number}": nested for number in range(15)}})

    assert time.process_time() - began < 2


def test_a_private_key_in_source_lines_is_filtered_to_its_end() -> None:
    frame = {
        "filename": "a.py",
        "context_line": 'KEY = """-----BEGIN RSA PRIVATE KEY-----',
        "pre_context": ["import os"],
        "post_context": ["MIIEowIBAAKCAQEA7", "c2VjcmV0c2VjcmV0", "-----END RSA PRIVATE KEY-----", 'after = "kept"'],
    }
    event = normalize_sentry({"exception": {"values": [{"type": "E", "stacktrace": {"frames": [frame]}}]}})

    (read,) = event.frames
    assert "MIIE" not in event.model_dump_json()
    assert "c2Vj" not in event.model_dump_json()
    assert (read.pre_context[0], read.post_context[-1]) == ("import os", 'after = "kept"')


def test_an_issue_does_not_depend_on_a_secret_in_its_source_line() -> None:
    def keys(secret: str) -> set[str]:
        frame = {"filename": "a.py", "function": "f", "in_app": True, "context_line": f'boto(key="{secret}")'}
        raw = {"exception": {"values": [{"type": "E", "stacktrace": {"frames": [frame]}}]}}
        read = prepare_sentry(raw).outline
        return {fingerprint(read, Strategy.STACK).key, fingerprint(normalize_sentry(raw), Strategy.STACK).key}

    assert len(keys("AKIAIOSFODNN7EXAMPLE") | keys("AKIAI44QH8DHBEXAMPLE")) == 1


def test_an_own_name_is_known_in_any_case() -> None:
    scrub = Scrubbing(keys=("apiPin",), keep=("sessionToken",))
    extra = dict.fromkeys(("apiPin", "api_pin", "APIPIN", "apipin", "SESSIONTOKEN", "spinning"), "told")
    event = normalize_sentry({"message": "x", "extra": extra}, scrubbing=scrub)

    kept = {name for name, value in event.extra.items() if value == "told"}
    assert kept == {"SESSIONTOKEN", "spinning"}


def test_what_hid_secrets_from_a_first_look_does_no_more() -> None:
    event = normalize_sentry(
        {
            "message": "x",
            "extra": {
                "card": "\x024111111111111111",
                "password_" + 70 * "x": "hunter2",
                "modules": {"password": "12345", "card": "4111111111111111"},
            },
        }
    )

    stored = event.model_dump_json()
    assert not [secret for secret in ("4111111111111111", "hunter2", "12345") if secret in stored]


def test_long_names_are_not_remembered_whole() -> None:
    before = tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else None
    tracemalloc.start()
    for number in range(300):
        normalize_sentry({"message": "x", "extra": {f"{number}" + 16_000 * "k": 1}})
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert before is None
    assert grown < 2_000_000
