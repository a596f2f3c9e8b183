"""Which settings are refused before anything is done with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenance_core.errors import InvalidInput
from provenance_server.settings import load_settings


def _issuer(url: str, tmp_path: Path) -> str | None:
    return load_settings({"oauthIssuer": url}, {"PROVENANCE_CONFIG": str(tmp_path / "none.json")}).oauth_issuer


@pytest.mark.parametrize(
    "url",
    [
        "https://login.example",
        "https://login.example/tenant",
        "http://127.0.0.1:9000",
        "http://localhost:9000/tenant",
        "http://[::1]:9000",
    ],
)
def test_an_issuer_is_asked_over_tls_or_on_this_machine(url: str, tmp_path: Path) -> None:
    assert _issuer(url, tmp_path) == url


@pytest.mark.parametrize(
    "url",
    ["http://login.example", "HTTP://login.example", "http://192.168.1.4", "http://localhost.example", "http://["],
)
def test_an_issuer_elsewhere_is_not_asked_in_clear(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="oauthIssuer"):
        _issuer(url, tmp_path)


def test_it_is_said_what_an_issuer_needs(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"https://.*this machine"):
        _issuer("http://login.example", tmp_path)
