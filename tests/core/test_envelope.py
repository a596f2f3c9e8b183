import time
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.samples import envelopes

from provenance_core.envelope import MAX_HEADER_BYTES, MAX_ITEMS, Item, category, parse_envelope, read_header
from provenance_core.errors import InvalidInput

HEADER = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}\n'


def item(payload: bytes, item_type: str = "event", length: int | None = None) -> bytes:
    header = {"type": item_type, "length": len(payload) if length is None else length}
    return orjson.dumps(header) + b"\n" + payload


def payloads(data: bytes) -> list[bytes]:
    return [one.payload for one in parse_envelope(data).items]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", []),
        (b'{"type":"event"}\n{"a":1}', [b'{"a":1}']),
        (b'{"type":"event"}\n{"a":1}\n', [b'{"a":1}']),
        (b'{"type":"event","length":null}\n{}\n', [b"{}"]),
        (item(b"a\nb"), [b"a\nb"]),
        (item(b"a\nb") + b"\n", [b"a\nb"]),
        (item(b"a\nb") + b"\n" + item(b"c") + b"\n", [b"a\nb", b"c"]),
        (item(b"a") + b"\r\n" + item(b"c") + b"\r\n", [b"a", b"c"]),
        (item(b"a") + b"\n\n\r\n" + item(b"c"), [b"a", b"c"]),
        (item(b"") + b"\n" + item(b"c"), [b"", b"c"]),
        (b'{"type":"attachment"}\n\n' + item(b"c"), [b"", b"c"]),
        (b'{"type":"event"}\r\n{"a":1}\r\n', [b'{"a":1}\r']),
    ],
)
def test_items_are_read_with_and_without_length(body: bytes, expected: list[bytes]):
    envelope = parse_envelope(HEADER + body)

    assert [one.payload for one in envelope.items] == expected
    assert envelope.header["event_id"].startswith("9ec79c33")
    assert not envelope.truncated


def test_a_header_alone_is_an_empty_envelope():
    assert parse_envelope(b"{}").items == ()


@pytest.mark.parametrize("cut", range(len(item(b'{"a":1}')) + 1))
def test_a_cut_envelope_keeps_its_complete_items(cut: int):
    first, second = item(b'{"x":0}') + b"\n", item(b'{"a":1}')

    envelope = parse_envelope(HEADER + first + second[:cut])

    complete = cut == len(second)
    assert envelope.items[0].payload == b'{"x":0}'
    assert len(envelope.items) == 1 + complete
    assert envelope.truncated == (not complete and cut > 0)


@pytest.mark.parametrize(
    "broken",
    [
        b"no json\nx",
        b"[]\nx",
        b'{"length":1}\nx',
        b'{"type":1}\nx',
        b'{"type":"event","length":-1}\nx',
        b'{"type":"event","length":"1"}\nx',
        b'{"type":"event","length":true}\nx',
        b'{"type":"event","length":1}\nxyz',
        b'{"type":"event","pad":"' + b"x" * MAX_HEADER_BYTES + b'"}\nx',
    ],
)
def test_a_broken_item_ends_reading_but_keeps_the_items_before_it(broken: bytes):
    envelope = parse_envelope(HEADER + item(b"first") + b"\n" + broken)

    assert [one.payload for one in envelope.items] == [b"first"]
    assert envelope.truncated


@pytest.mark.parametrize("data", [b"", b"\n", b"secret\n", b"[]\n", b'{"a":"' + b"x" * MAX_HEADER_BYTES + b'"}\n'])
def test_a_broken_envelope_header_is_refused(data: bytes):
    with pytest.raises(InvalidInput) as caught:
        parse_envelope(data)

    assert "secret" not in caught.value.message


@pytest.mark.parametrize("broken", [b"secret\nx\n", b'{"type":"event","length":-1}\nx\n'])
def test_an_envelope_whose_first_item_is_broken_is_refused(broken: bytes):
    with pytest.raises(InvalidInput):
        parse_envelope(HEADER + broken)


def test_items_over_the_limit_are_counted():
    envelope = parse_envelope(HEADER + (item(b"x") + b"\n") * (MAX_ITEMS + 7))

    assert len(envelope.items) == MAX_ITEMS
    assert envelope.skipped == 7


@pytest.mark.parametrize(
    ("item_type", "expected"),
    [
        ("event", "error"),
        ("transaction", "transaction"),
        ("sessions", "session"),
        ("client_report", "internal"),
        ("check_in", "monitor"),
        ("replay_recording", "replay"),
        ("statsd", "metric_bucket"),
        ("anything else", "other"),
    ],
)
def test_item_types_have_a_category(item_type: str, expected: str):
    assert category(item_type) == expected


@given(st.binary(max_size=300))
def test_only_invalid_input_is_raised(data: bytes):
    for body in (data, HEADER + data):
        with suppress(InvalidInput):
            parse_envelope(body)


PIECES = [
    *(b"{}", b"\n", b"\r\n", b'{"type":"event"}', b'{"type":"event","length":', b"2", b"99999999999999999999", b"-1"),
    *(b"}", b"[]", b"null", b'"', b"\x00", b"\xff\xfe", b'{"type":"\xed\xa0\x80"}', b'{"type":null}', b" ", b'{"a":1}'),
]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=60).map(b"".join))
def test_an_envelope_of_any_pieces_is_read_within_bounds(data: bytes):
    with suppress(InvalidInput):
        envelope = parse_envelope(HEADER + data)
        assert len(envelope.items) <= 2 * MAX_ITEMS
        assert sum(len(one.payload) for one in envelope.items) <= len(data)
        assert all(isinstance(one.type, str) for one in envelope.items)


@given(st.lists(st.tuples(st.binary(max_size=60), st.sampled_from(["event", "attachment"])), max_size=8))
def test_written_items_are_read_back(written: list[tuple[bytes, str]]):
    envelope = parse_envelope(HEADER + b"\n".join(item(payload, kind) for payload, kind in written))

    assert [(one.payload, one.type) for one in envelope.items] == written


@pytest.mark.parametrize("kind", ["small", "large", "node"])
def test_real_envelopes_hold_one_event_each(kind: str):
    for path in envelopes(kind):
        envelope = parse_envelope(path.read_bytes())

        assert [one.type for one in envelope.items] == ["event"]
        assert isinstance(envelope.items[0], Item)
        assert not envelope.truncated


def test_many_blank_lines_take_no_time():
    data = b"{}\n" + b"\r\n" * 8_000_000
    started = time.perf_counter()

    envelope = parse_envelope(data)

    assert time.perf_counter() - started < 1
    assert envelope.items == ()


def test_the_header_is_read_from_the_beginning_alone():
    assert read_header(b'{"dsn":"https://a@b/1"}\n{"type":') == {"dsn": "https://a@b/1"}
    assert read_header(b'{"a":1}\r\n') == {"a": 1}


@pytest.mark.parametrize("data", [b"", b"\n", b"[]\n", b"{", b"x" * 9_000, b'{"a":"' + b"x" * 9_000 + b'"}\n{}'])
def test_what_begins_with_no_header_is_refused(data: bytes):
    with pytest.raises(InvalidInput, match="must begin with a line"):
        read_header(data)


def test_events_are_kept_behind_any_number_of_other_items() -> None:
    session, event = b'{"type":"session","length":2}\n{}\n', b'{"type":"event","length":2}\n{}\n'
    envelope = parse_envelope(b"{}\n" + session * (MAX_ITEMS + 50) + event * (MAX_ITEMS + 5))

    kinds = [item.type for item in envelope.items]
    assert (kinds.count("session"), kinds.count("event")) == (MAX_ITEMS, MAX_ITEMS)
    assert envelope.skipped == 55
