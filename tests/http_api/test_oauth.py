"""Access tokens of an issuer that is trusted: what they allow, and which are none."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from jwt.algorithms import RSAAlgorithm
from starlette.testclient import TestClient
from tests.factory import payload, report
from tests.http_api.clock import FakeClock
from tests.http_api.conftest import BASE
from tests.http_api.issuer import AS_PATH, OIDC_PATH, Issuer, issuing
from tests.http_api.keys import ALLOWING, bearer, make_key
from tests.stores import on_sqlite

from provenance_core.access import Scope
from provenance_http.app import create_app
from provenance_http.exposure import Exposure
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

pytestmark = on_sqlite
METADATA = "/.well-known/oauth-protected-resource"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(store: Store, issuer: Issuer, clock: FakeClock) -> Iterator[TestClient]:
    """Return a client of a server that trusts the issuer, and asks for keys."""
    make_key(store, Scope.ADMIN)
    app = create_app(store, exposure=Exposure(oauth_issuer=issuer.url), clock=clock)
    with TestClient(app, base_url=BASE) as client:
        yield client


def _status(client: TestClient, token: str, path: str = "/api/origins") -> int:
    return client.get(path, headers=bearer(token)).status_code


def test_clients_are_told_whose_tokens_are_taken(client: TestClient, issuer: Issuer) -> None:
    whole, mcp = (client.get(path).json() for path in (METADATA, f"{METADATA}/mcp"))
    challenges = [
        client.get("/api/origins"),
        client.post("/mcp", json={}),
        client.post("/mcp", headers=bearer("a.b.c")),
    ]

    assert (whole["resource"], mcp["resource"]) == (BASE, f"{BASE}/mcp")
    for told in (whole, mcp):
        assert told["authorization_servers"] == [issuer.url]
        assert told["scopes_supported"] == ["read", "triage", "write", "admin"]
        assert told["bearer_methods_supported"] == ["header"]
    assert [answer.status_code for answer in challenges] == [401, 401, 401]
    assert [answer.headers["www-authenticate"] for answer in challenges] == [
        f'Bearer resource_metadata="{BASE}{METADATA}"',
        f'Bearer resource_metadata="{BASE}{METADATA}/mcp"',
        f'Bearer resource_metadata="{BASE}{METADATA}/mcp", error="invalid_token"',
    ]


def test_without_an_issuer_there_is_nothing_to_tell(store: Store, issuer: Issuer) -> None:
    make_key(store, Scope.ADMIN)
    with TestClient(create_app(store), base_url=BASE) as client:
        assert client.get(METADATA).status_code == 404
        assert _status(client, issuer.token()) == 401

    assert issuer.asked == []


def test_a_server_that_trusts_an_issuer_is_not_open_though_no_key_was_made(store: Store, issuer: Issuer) -> None:
    with TestClient(create_app(store, exposure=Exposure(oauth_issuer=issuer.url)), base_url=BASE) as client:
        nobody = client.get("/api/origins").status_code

        assert (nobody, _status(client, issuer.token())) == (401, 200)


def test_a_public_url_is_what_tokens_are_for(store: Store, issuer: Issuer) -> None:
    exposure = Exposure(public_url="https://errors.example", oauth_issuer=issuer.url)
    with TestClient(create_app(store, exposure=exposure), base_url="https://errors.example") as client:
        told = client.get(f"{METADATA}/mcp").json()
        statuses = [_status(client, issuer.token(aud=aud)) for aud in (told["resource"], BASE)]

    assert told["resource"] == "https://errors.example/mcp"
    assert statuses == [200, 401]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("audience", [f"{BASE}/mcp", BASE, f"{BASE}/", ["https://other.example", BASE]])
def test_a_good_token_is_a_key(client: TestClient, issuer: Issuer, algorithm: str, audience: Any) -> None:
    assert _status(client, issuer.token(algorithm, aud=audience)) == 200


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "read"}, [Scope.READ]),
        ({"scope": "openid triage"}, [Scope.TRIAGE]),
        ({"scope": "provenance:write"}, [Scope.WRITE]),
        ({"scope": None, "scp": ["read", "provenance:admin"]}, [Scope.ADMIN]),
        ({"scope": None, "scp": "read"}, [Scope.READ]),
        ({"scope": None}, []),
        ({"scope": "ingest everything other:admin ADMIN"}, []),
        ({"scope": {"admin": 1}}, []),
    ],
)
def test_a_token_allows_what_its_scopes_say(
    client: TestClient, issuer: Issuer, claims: dict[str, Any], scopes: list[Scope]
) -> None:
    may = {scope for one in scopes for scope in ALLOWING[one]}
    asked = {
        Scope.READ: ("GET", "/api/origins"),
        Scope.TRIAGE: ("PATCH", "/api/error-issues/x-1/status"),
        Scope.WRITE: ("POST", "/api/origins/x/releases"),
        Scope.ADMIN: ("GET", "/api/keys"),
    }
    headers = bearer(issuer.token(**claims))

    allowed = {scope for scope, place in asked.items() if client.request(*place, headers=headers).status_code != 403}

    assert allowed == may - {Scope.INGEST}


def test_who_a_token_is_of_stands_in_the_history(
    client: TestClient, store: Store, issuer: Issuer, origin: OriginRecord
) -> None:
    report(store, origin, payload())
    headers = bearer(issuer.token(scope="triage", sub="auth0|a\u202eb")) | {"x-userid": "triage-bot"}

    client.patch("/api/error-issues/my-app-1/status", json={"status": "muted"}, headers=headers)

    change = client.get("/api/error-issues/my-app-1", headers=headers).json()["history"][0]
    assert (change["actor"], change["client"]) == ("token:auth0|a\\u{202e}b", "triage-bot")


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": -3600},
        {"exp": None},
        {"nbf": 3600},
        {"iss": "http://127.0.0.1:1"},
        {"iss": None},
        {"aud": "https://other.example"},
        {"aud": f"{BASE}/other"},
        {"aud": None},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_for_others_or_of_another_time_is_none(
    client: TestClient, issuer: Issuer, claims: dict[str, Any]
) -> None:
    now = int(time.time())
    told: dict[str, Any] = {name: now + value if isinstance(value, int) else value for name, value in claims.items()}

    assert _status(client, issuer.token(**told)) == 401


def test_a_token_does_not_choose_how_it_is_checked(client: TestClient, issuer: Issuer) -> None:
    public = json.dumps(RSAAlgorithm.to_jwk(issuer.keys["RS256"][1].public_key(), as_dict=True))
    claims = issuer.claims(scope="admin")

    def unsigned(header: dict[str, Any], body: bytes | None = None) -> str:
        parts = json.dumps(header).encode(), body if body is not None else json.dumps(claims).encode()
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + ".AAAA"

    forged = [
        jwt.encode(claims, public + "x" * 32, "HS256", headers={"kid": "RS256"}),
        jwt.encode(claims, "secret" * 8, "HS256", headers={"kid": "secret"}),
        jwt.encode(claims, issuer.keys["ES256"][1], "ES256", headers={"kid": "RS256"}),
        jwt.encode(claims, issuer.keys["RS256"][1], "RS512", headers={"kid": "RS256"}),
        issuer.token()[:-4] + "AAAA",
        unsigned({"alg": "none"}),
        unsigned({"alg": "RS256", "kid": ["RS256"]}),
        unsigned({"alg": "RS256", "kid": "RS256", "jku": f"{issuer.url}/other"}),
        unsigned({"alg": "RS256", "kid": "RS256"}, b"[" * 4000),
        f"{'A' * 9000}.AAAA.AAAA",
    ]

    assert {_status(client, token) for token in forged} == {401}
    assert f"{issuer.url}/other" not in issuer.asked


def test_a_token_is_shown_as_bearer_only(client: TestClient, issuer: Issuer) -> None:
    token = issuer.token()

    assert client.get("/api/origins", headers={"x-api-key": token}).status_code == 401
    assert client.get("/api/origins", headers={"x-api-key": token, **bearer(token)}).status_code == 401


def test_the_issuer_is_asked_once_and_again_when_a_key_is_new(
    client: TestClient, issuer: Issuer, clock: FakeClock
) -> None:
    stranger = jwt.encode(issuer.claims(), issuer.keys["RS256"][1], "RS256", headers={"kid": "made-up"})
    first = [_status(client, token) for token in (issuer.token(), issuer.token("ES256"), stranger, stranger)]
    asked_first = list(issuer.asked)
    issuer.add("new", "RS256")
    at_once = _status(client, issuer.token("new"))
    clock.pass_seconds(61)
    later = [_status(client, token) for token in (issuer.token("new"), stranger, stranger, issuer.token())]

    assert first == [200, 200, 401, 401]
    assert asked_first == [AS_PATH, "/jwks"]
    assert at_once == 401
    assert later == [200, 401, 401, 200]
    assert issuer.asked == asked_first * 2


def test_a_key_that_is_withdrawn_is_trusted_no_more_within_an_hour(
    client: TestClient, issuer: Issuer, clock: FakeClock
) -> None:
    token = issuer.token()
    before = _status(client, token)
    issuer.documents["/jwks"]["keys"] = [one for one in issuer.documents["/jwks"]["keys"] if one["kid"] != "RS256"]
    clock.pass_seconds(3601)

    assert (before, _status(client, token), _status(client, issuer.token("ES256"))) == (200, 401, 200)


def test_an_issuer_of_openid_connect_is_found_too(client: TestClient, issuer: Issuer) -> None:
    issuer.documents[OIDC_PATH] = issuer.documents.pop(AS_PATH)

    assert _status(client, issuer.token()) == 200
    assert issuer.asked == [AS_PATH, OIDC_PATH, "/jwks"]


@pytest.mark.parametrize(
    "documents",
    [
        {AS_PATH: None},
        {AS_PATH: {"issuer": "https://evil.example", "jwks_uri": "{url}/jwks"}},
        {AS_PATH: {"issuer": "{url}"}},
        {AS_PATH: ["{url}"]},
        {"/jwks": None},
        {"/jwks": {"keys": {}}},
        {"/jwks": {"keys": ["x" * 1_100_000]}},
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_issuer_that_cannot_be_understood_is_told_and_keys_go_on(
    client: TestClient,
    store: Store,
    issuer: Issuer,
    clock: FakeClock,
    documents: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = dict(issuer.documents)
    issuer.documents |= json.loads(json.dumps(documents).replace("{url}", issuer.url))

    refused = client.get("/api/origins", headers=bearer(issuer.token()))
    own = _status(client, make_key(store, Scope.READ))
    issuer.documents |= good
    clock.pass_seconds(61)

    assert (refused.status_code, refused.json()["error"]["code"], own) == (503, "unavailable", 200)
    assert "OAuth issuer" in caplog.text
    assert _status(client, issuer.token()) == 200


def test_an_issuers_redirect_is_not_followed(client: TestClient, issuer: Issuer) -> None:
    issuer.documents["/elsewhere"] = issuer.documents.pop("/jwks")
    issuer.documents["/jwks"] = f"{issuer.url}/elsewhere"

    assert _status(client, issuer.token()) == 503
    assert issuer.asked == [AS_PATH, "/jwks"]


def test_tokens_stand_in_no_log(client: TestClient, issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    tokens = [issuer.token(), issuer.token(aud="https://other.example"), issuer.token(iss="x")]
    said = "".join(client.get("/api/origins", headers=bearer(token)).text for token in tokens)

    for token in tokens:
        assert token.rpartition(".")[2] not in said + caplog.text
