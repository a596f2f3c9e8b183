from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.parameterise import error_codes, parameterise


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("user 17 not found", "user <n> not found"),
        ("Request failed with status code 404", "Request failed with status code 404"),
        ("[Errno 2] No such file: '/tmp/tmpab12/x.csv'", "[Errno 2] No such file: '<path>'"),
        ("SQLSTATE[42S02]: table 1146", "SQLSTATE[42S02]: table <n>"),
        ("exited with code 137, killed by signal 9", "exited with code 137, killed by signal 9"),
        ("404 Client Error: Not Found for url: https://x.com/a/17?b", "404 Client Error: Not Found for url: <url>"),
        ("<Foo object at 0x7f8a1c>", "<Foo object at <n>>"),
        ("user_123 and order-4711, ORD12345", "user_<n> and order-<n>, <n>"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "<n>"),
        ("507f1f77bcf86cd799439011", "<n>"),
        ("550e8400-e29b-41d4-a716-446655440000", "<uuid>"),
        ("bob@example.com taken", "<email> taken"),
        ("at 2024-05-01T10:11:12.123Z on May 3, 2024 or 10:20:30", "at <date> on <date> or <time>"),
        ("10.0.0.1:80 and [::1]:5432 and 2001:db8:85a3::8a2e:370:7334", "<ip> and <ip> and <ip>"),
        ("utf8 sha256 base64 http2 ipv4", "utf8 sha256 base64 http2 ipv4"),
        ("Key (id)=(abc) exists, name='bob' ok=true", "Key (id)=(<value>) exists, name=<value> ok=<bool>"),
        ("std::vector::at Foo::bar", "std::vector::at Foo::bar"),
        ("reading 'foo'", "reading 'foo'"),
        ("Minified React error #418;", "Minified React error #418;"),
        ("one\n\n two   2\nthree", "one two <n>"),
        ("", ""),
    ],
)
def test_message_is_parameterised(message: str, expected: str) -> None:
    assert parameterise(message) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("user 17 not found", []),
        ("Request failed with status code 404", ["4xx"]),
        ("503 Server Error: Service Unavailable for url: https://a.example", ["5xx"]),
        ('answer {"status": 500, "id": 17}', ["5xx"]),
        ("SQLSTATE[40001]: 1213 Deadlock", ["40"]),
        ("[Errno 28] No space left", ["28"]),
        ("connect ECONNREFUSED 10.0.0.1:5432", ["ECONNREFUSED"]),
        ("REQUESTS", []),
        ("Exception from HRESULT: 0x80070005", ["0x80070005"]),
        ("exited with code 137, killed by signal 9", ["137", "9"]),
        ("No such file or directory (os error 2)", ["2"]),
        ("promo code 48213 is not valid", []),
        ("zip code 90210", []),
        ("took 404 ms, page 500 of 501", []),
    ],
)
def test_codes_say_which_error_it_is(message: str, expected: list[str]) -> None:
    assert error_codes(message) == expected


@given(st.text(max_size=3000))
def test_parameterise_is_bounded(message: str) -> None:
    found = parameterise(message)

    assert len(found) <= 512
    assert "\n" not in found
