"""Tokens are filtered wherever they stand; what only resembles one stays."""

from typing import Any

import pytest

from provenance_core.normalize import normalize_interaction, normalize_sentry
from provenance_core.sensitive import FILTERED

LETTERS = "Ab3dEf6hIj9lMn2pQr5tUv8xYz1BcD4fGh7jKl0n"
TOKENS = [
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAY34FZKBOKMUTVV7A",
    *(f"{prefix}_{LETTERS[:36]}" for prefix in ("ghp", "gho", "ghu", "ghs", "ghr", "npm")),
    f"github_pat_{LETTERS[:22]}_{LETTERS}",
    f"glpat-{LETTERS[:20]}",
    *(f"xox{kind}-123456789012-{LETTERS[:24]}" for kind in "abeprs"),
    *(f"{kind}_{LETTERS[:24]}" for kind in ("sk_live", "rk_live", "sk_test")),
    f"sk-{LETTERS}",
    f"sk-proj-{LETTERS}_{LETTERS}",
    f"sk-ant-api03-{LETTERS}-{LETTERS}",
    f"AIza{LETTERS[:35]}",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
]


@pytest.mark.parametrize("token", TOKENS)
def test_tokens_are_filtered_in_every_field(token: str):
    frame = {"function": "f", "vars": {"v": f"'{token}'"}, "context_line": f"connect('{token}')"}
    event = normalize_sentry(
        {
            "exception": [{"type": "E", "value": f"cannot use {token}.", "stacktrace": {"frames": [frame]}}],
            "breadcrumbs": [{"message": f"sent {token}", "data": {"a": [token]}}],
            "extra": {"a": {"b": f"({token})"}},
            "tags": {"t": token},
            "request": {"url": f"https://x.example/{token}", "headers": {"X-Data": token}, "data": f"a {token}"},
        }
    )

    assert event.message == f"cannot use {FILTERED}."
    assert event.frames[0].vars == {"v": f"'{FILTERED}'"}
    assert event.frames[0].context_line == f"connect('{FILTERED}')"
    assert event.breadcrumbs[0].message == f"sent {FILTERED}"
    assert event.breadcrumbs[0].data == {"a": [FILTERED]}
    assert event.extra == {"a": {"b": f"({FILTERED})"}}
    assert event.tags == {"t": FILTERED}
    assert token not in event.model_dump_json()
    assert {"message", "frames.0.vars.v", "frames.0.contextLine", "extra.a.b", "tags.t"} <= set(event.marks.scrubbed)


@pytest.mark.parametrize(
    "text",
    [
        *("4c51e66f0b2a9b7d3b1c8a7f5e6d4c3b2a190817", "2166b66d6f0a4f6e8a3b5c7d9e1f2a3b4c5d6e7f"),
        *("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "d41d8cd98f00b204e9800998ecf8427e"),
        *("74d4e6f7-cb41-4c6d-a8fb-3099a426134e", "018f3f9a-7b5c-7cc0-b5f4-5c1f9f4f3c2d", "sha512-AbC123=="),
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5",
        *(
            "sk-toggleable__label-arrow-with-more",
            "task-runner-of-the-day-and-night",
            "sk-SK",
            "risk-Assessment2026-Report",
        ),
        *("desk-AbCdEf123456AbCdEf123456", "sk-3xl-grid-column-and-row-gap-small", "disk_live_migration_started"),
        *(
            "mock_live_server_0123456789",
            "AIzawa Yuki",
            "xoxo-love-letters",
            "xoxb-short",
            "npm_config_registry",
            "npm_package_json",
        ),
        *("ghs_of_things", "github_pat_", "glpat-", "MAKIABCDEFGHIJKLMNOP", "AKIABLE", "ASIAPACIFIC_SOUTHEAST_1"),
        *("AKIAIOSFODNN7EXAMPLEXYZ", "keyJson.value.name", "/static/js/main.8f3a1c2b.chunk.js", "btn-primary--large"),
        *("node_modules/.pnpm/@babel+core@7.24.0/node_modules", "arn:aws:s3:::bucket/key", "Bearer of bad news"),
        *("-----BEGIN CERTIFICATE-----", "2026-11-23T10:20:30.123456Z", "1795429252178", "0x7f42824b5890"),
        "a" * 200,
    ],
)
def test_what_only_resembles_a_token_stays(text: str):
    event = normalize_sentry({"message": f"got {text}", "extra": {"a": {"b": text}}, "tags": {"t": text[:200]}})

    assert event.message == f"got {text}"
    assert event.extra == {"a": {"b": text}}
    assert event.marks.scrubbed == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"key": "password", "value": "x"}, {"key": "password", "value": FILTERED}),
        ({"name": "api_key", "value": ["x"]}, {"name": "api_key", "value": FILTERED}),
        ({"value": "x", "name": "password"}, {"value": FILTERED, "name": "password"}),
        ([["password", "x"], ["a", "b"]], [["password", FILTERED], ["a", "b"]]),
        ({"key": "colour", "value": "red"}, {"key": "colour", "value": "red"}),
        ({"key": "password", "value": None}, {"key": "password", "value": None}),
        ('[{"key":"password","value":"x"}]', f'[{{"key":"password","value":"{FILTERED}"}}]'),
        ('{"name": "token", "value": {"a": "x"}}', f'{{"name": "token", "value": "{FILTERED}"}}'),
        (r'"{\"key\":\"token\",\"value\":\"x\"}"', r'"{\"key\":\"token\",\"value\":\"' + FILTERED + r'\"}"'),
        ("{'name': 'pwd', 'value': 'x'}", f"{{'name': 'pwd', 'value': '{FILTERED}'}}"),
        ('[["password","x"],["a","b"]]', f'[["password","{FILTERED}"],["a","b"]]'),
        ('{"name": "colour", "value": "red"}', '{"name": "colour", "value": "red"}'),
    ],
)
@pytest.mark.parametrize("normalize", [normalize_sentry, normalize_interaction])
def test_a_name_beside_a_value_tells_that_it_is_sensitive(normalize: Any, value: Any, expected: Any):
    assert normalize({"extra": {"a": value}}).extra["a"] == expected
    assert normalize({"breadcrumbs": [{"data": {"a": value}}]}).breadcrumbs[0].data["a"] == expected
    if isinstance(value, str):
        assert normalize({"message": value}).message == expected
