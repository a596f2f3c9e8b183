import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.errors import InvalidInput
from provenance_core.json_text import MAX_DEPTH, JsonLoaded, loads


def test_clean_json_needs_no_repair():
    assert loads(b'{"a": [1, 2.5, "\xc3\xa4"]}') == JsonLoaded({"a": [1, 2.5, "ä"]}, 0)


@pytest.mark.parametrize(
    ("data", "value", "repaired"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}, 1),
        (b'{"a":"x\xff\xfey"}', {"a": "x\ufffd\ufffdy"}, 2),
        (b'{"a":"\xed\xa0\x80"}', {"a": "\ufffd" * 3}, 3),
        (b'{"a":"\xef\xbf\xbd\xff"}', {"a": "\ufffd\ufffd"}, 1),
        (b'{"a":NaN,"b":-Infinity}', {"a": None, "b": None}, 2),
        (b'{"a":1e999}', {"a": None}, 1),
        (b'{"a":' + b"9" * 5000 + b"}", {"a": "9" * 5000}, 1),
        (b'{"a":NaN,"b":-9223372036854775808}', {"a": None, "b": -(2**63)}, 1),
        (b'{"a":"\\ud800"}', {"a": "\ud800"}, 0),
        (b'{"a":"line\nline"}', {"a": "line\nline"}, 0),
    ],
    ids=["bom", "utf-8", "surrogate bytes", "kept U+FFFD", "nan", "1e999", "digits", "int64", "surrogate", "newline"],
)
def test_what_senders_get_wrong_is_repaired(data: bytes, value: object, repaired: int):
    loaded = loads(data)

    assert loaded.value == value
    assert loaded.repaired == repaired


@pytest.mark.parametrize("depth", [200, 2_000, 5_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_deeper_than_a_parser_bears_is_cut(depth: int, opening: str, closing: str):
    loaded = loads(('{"keep":1,"deep":' + opening * depth + "1" + closing * depth + ',"after":"}"}').encode())

    assert loaded.value["keep"] == 1
    assert loaded.value["after"] == "}"
    assert (loaded.repaired > 0) == (depth > 1_000)


def test_the_depth_kept_is_the_limit():
    value = loads(b"[" * 5_000 + b"]" * 5_000).value
    depth = 0
    while isinstance(value, list):
        depth, value = depth + 1, value[0] if value else 0

    assert depth == MAX_DEPTH
    assert value is None


@pytest.mark.parametrize(
    "data", [b"", b"{", b"secret", b'{"secret":}', b"{} {}", b"[" * 5_000, b'{"secret":' * 5_000, b"\xff\xfe"]
)
def test_what_is_no_json_is_refused_without_quoting_it(data: bytes):
    with pytest.raises(InvalidInput, match=r"not valid JSON: see position \d+") as caught:
        loads(data)

    assert "secret" not in caught.value.message


@given(st.binary(max_size=200) | st.text('[]{}",:\\u0dN1e', max_size=80).map(str.encode))
def test_only_invalid_input_is_raised(data: bytes):
    with suppress(InvalidInput):
        loads(data)


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(), st.lists))
def test_any_json_is_read_as_it_is(value: object):
    assert loads(json.dumps(value).encode("utf-8", "surrogatepass")).value == value
