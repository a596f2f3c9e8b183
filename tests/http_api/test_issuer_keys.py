"""What is asked of an issuer for its keys: nothing in clear, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.http_api.clock import FakeClock
from tests.http_api.issuer import AS_PATH, Issuer, issuing

from provenance_core.errors import Unavailable
from provenance_http.issuer_keys import IssuerKeys


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


def test_nothing_is_asked_in_clear_of_an_issuer_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Unavailable):
        IssuerKeys("http://login.invalid", FakeClock()).find("RS256")

    assert "its URL does not begin with https://" in caplog.text


def test_keys_elsewhere_are_not_fetched_in_clear(issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    issuer.documents[AS_PATH]["jwks_uri"] = "http://login.invalid/jwks"

    with pytest.raises(Unavailable):
        IssuerKeys(issuer.url, FakeClock()).find("RS256")

    assert "its jwks_uri does not begin with https://" in caplog.text


@pytest.mark.parametrize("path", [AS_PATH, "/jwks"])
def test_a_redirect_is_not_followed(issuer: Issuer, path: str) -> None:
    issuer.documents["/elsewhere"] = issuer.documents.pop(path)
    issuer.documents[path] = f"{issuer.url}/elsewhere"

    with pytest.raises(Unavailable):
        IssuerKeys(issuer.url, FakeClock()).find("RS256")

    assert "/elsewhere" not in issuer.asked


@pytest.mark.parametrize("path", [AS_PATH, "/jwks"])
@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\nx-long: ", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["head", "body"])
def test_an_issuer_that_never_comes_to_an_end_is_not_waited_for(issuer: Issuer, path: str, begun: bytes) -> None:
    issuer.dripping[path] = begun
    keys = IssuerKeys(issuer.url, FakeClock(), seconds=0.3)
    began = time.monotonic()

    with pytest.raises(Unavailable):
        keys.find("RS256")

    assert time.monotonic() - began < 5
    assert path in issuer.asked
