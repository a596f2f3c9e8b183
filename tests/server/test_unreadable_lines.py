"""Lines on stdin that cannot be read: whoever sent a request is answered, and with nobody else's number."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from provenance_server.unreadable_lines import unreadable

PARSE_ERROR, INVALID_REQUEST = -32700, -32600
LONG = "9" * 5_000
DEEP = "[" * 100_000 + "]" * 100_000


def request(id_: str, params: str = "{}") -> str:
    """Return a request as its line."""
    return f'{{"jsonrpc":"2.0","id":{id_},"method":"tools/list","params":{params}}}\n'


def answer(line: str) -> tuple[Any, int] | None:
    """Return the id and the code of the answer to a line, read as the SDK reads it."""
    try:
        read = SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        read = error
    told = unreadable(read)
    if told is None:
        return None
    written = json.loads(told.model_dump_json(by_alias=True, exclude_unset=True))
    return written["id"], written["error"]["code"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (request("7", f'{{"a":{LONG}}}'), (7, PARSE_ERROR)),
        (request('"a-\\"7\\u00e9"', f'{{"a":{DEEP}}}'), ('a-"7é', PARSE_ERROR)),
        (f'{{"method":"x","params":{{"id":8,"a":{LONG}}},"id": -9 }}', (-9, PARSE_ERROR)),
        (f'{{"method":"x","params":{{"a":{DEEP},"b":"}}\\\\\\"}}"}},"jsonrpc":"2.0","id":4}}', (4, PARSE_ERROR)),
        (request("7", '{"a":"\\ud83d"}'), (7, INVALID_REQUEST)),
        (request("7", "[]"), (7, INVALID_REQUEST)),
        (request("7")[:-2] + ",}", (7, PARSE_ERROR)),
        (request(LONG), (None, PARSE_ERROR)),
        (request(f'"{"x" * 5_000}"', f'{{"a":{LONG}}}'), (None, PARSE_ERROR)),
        (request('"\\ud83d"'), (None, INVALID_REQUEST)),
        (request('"\\ud83d"', f'{{"a":{LONG}}}'), (None, PARSE_ERROR)),
        (request("1.5"), (None, INVALID_REQUEST)),
        (request("1.5", f'{{"a":{LONG}}}'), (None, PARSE_ERROR)),
        (request("null"), (None, INVALID_REQUEST)),
        (request("true"), (None, INVALID_REQUEST)),
        (request("{}"), (None, INVALID_REQUEST)),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_request_is_answered_with_its_id_where_it_has_one(line: str, told: tuple[Any, int]) -> None:
    assert answer(line) == told


@pytest.mark.parametrize(
    "line",
    [
        request("7"),
        "no JSON",
        "",
        '"id","method"',
        f'{{"jsonrpc":"2.0","method":"notifications/x","params":{{"id":7,"a":{LONG}}}}}',
        '{"jsonrpc":"2.0","method":"notifications/x","params":{"id":7,"a":"\\ud83d"}}',
        f'{{"jsonrpc":"2.0","id":7,"result":{{"method":"x","a":{LONG}}}}}',
        '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    ],
    ids=lambda value: value[:60],
)
def test_what_is_no_request_or_can_be_read_is_not_answered(line: str) -> None:
    assert answer(line) is None


@pytest.mark.parametrize("part", ['\\"', '"', '""', '"id"', "{", '"a" ', "\\", " "])
def test_a_line_takes_time_in_its_length(part: str) -> None:
    line = '{"method":' + part * 300_000
    began = time.process_time()
    answer(line)

    assert time.process_time() - began < 5
