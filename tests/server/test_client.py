"""The remote client: what it asks, and what it makes of answers that no server of ours gives on demand."""

from __future__ import annotations

import httpx
import pytest

from provenance_core.access import Door, local_access
from provenance_core.errors import InvalidInput, NotFound, TooManyRequests, Unauthorized, Unavailable
from provenance_server.client import RemoteClient
from provenance_server.operations import GET_ERROR_ISSUE, GET_ERROR_ISSUES

ACCESS = local_access("tester", Door.CLI)
EMPTY = {"items": [], "total": 0, "nextCursor": None}


def _client(answer: httpx.Response, asked: list[httpx.Request], url: str = "http://127.0.0.1:1") -> RemoteClient:
    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    return RemoteClient(url, None, ACCESS, httpx.MockTransport(handle))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:1/api"])
def test_nulls_are_not_asked_for_and_an_api_at_the_end_does_no_harm(url: str) -> None:
    asked: list[httpx.Request] = []
    client = _client(httpx.Response(200, json=EMPTY), asked, url)
    answer = client.call(GET_ERROR_ISSUES, {"release": None, "limit": 5, "status": ["open", "muted"]})
    client.close()

    assert answer.total == 0
    assert str(asked[0].url) == "http://127.0.0.1:1/api/error-issues?status=open&status=muted&limit=5"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, {"error": {"code": "not_found", "message": "No such."}}, NotFound),
        (
            429,
            {"error": {"code": "too_many_requests", "message": "Wait.", "details": {"retryAfter": 7}}},
            TooManyRequests,
        ),
        (500, {"error": {"code": "internal", "message": "Fault."}}, Unavailable),
        (502, {"detail": "a proxy"}, Unavailable),
        (200, {"unexpected": 1}, Unavailable),
    ],
)
def test_an_error_becomes_the_same_error_again(status: int, body: object, error: type[Exception]) -> None:
    client = _client(httpx.Response(status, json=body), [])
    with pytest.raises(error) as caught:
        client.call(GET_ERROR_ISSUES, {})
    client.close()

    if isinstance(caught.value, TooManyRequests):
        assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("key", "told"),
    [(None, "asks for a key: set PROVENANCE_API_KEY or --api-key"), ("pak_0", "does not know this key, or it was")],
)
def test_a_refused_key_is_told_in_words_for_who_set_it(key: str | None, told: str) -> None:
    refusal = {"error": {"code": "unauthorized", "message": "Send one as `x-api-key`."}}
    transport = httpx.MockTransport(lambda _: httpx.Response(401, json=refusal))
    client = RemoteClient("http://127.0.0.1:1", key, ACCESS, transport)
    with pytest.raises(Unauthorized, match=told) as caught:
        client.call(GET_ERROR_ISSUES, {})
    client.close()

    assert "x-api-key" not in caught.value.message
    assert caught.value.message.endswith("Ask who runs this server for a key with the scope `read`.")
    assert caught.value.details == {"scope": "read"}


def test_what_is_wrong_with_the_arguments_is_said_without_asking() -> None:
    asked: list[httpx.Request] = []
    client = _client(httpx.Response(200, json=EMPTY), asked)
    with pytest.raises(InvalidInput, match="must not contain `/`"):
        client.call(GET_ERROR_ISSUE, {"issueId": "shop-1/events"})
    client.close()

    assert asked == []


def test_a_key_that_can_be_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="API key"):
        RemoteClient("http://127.0.0.1:1", "b\u00e4d", ACCESS)
