"""An OAuth issuer on this machine: real keys, real documents, real tokens."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AS_PATH = "/.well-known/oauth-authorization-server"
OIDC_PATH = "/.well-known/openid-configuration"


@dataclass
class Issuer:
    """What the issuer answers, and what it was asked for.

    A document that is a text is where the issuer redirects to. What is dripping goes on byte by byte after
    its beginning, and never ends.
    """

    url: str = ""
    keys: dict[str, tuple[str, Any, dict[str, Any]]] = field(default_factory=dict[str, Any])
    documents: dict[str, Any] = field(default_factory=dict[str, Any])
    dripping: dict[str, bytes] = field(default_factory=dict[str, bytes])
    asked: list[str] = field(default_factory=list[str])

    def add(self, name: str, algorithm: str) -> None:
        """Begin to sign with a key of this name."""
        private, public = _PAIRS[algorithm]()
        self.keys[name] = (algorithm, private, public | {"kid": name, "use": "sig"})
        self.documents["/jwks"] = {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}]}
        self.documents["/jwks"]["keys"] += [one for _, _, one in self.keys.values()]

    def token(self, name: str = "RS256", **claims: Any) -> str:
        """Return a token that a key signed; a claim that is None is left out."""
        algorithm, private, _ = self.keys[name]
        return jwt.encode(self.claims(**claims), private, algorithm, headers={"kid": name})

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good token, with changes."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": "http://127.0.0.1:4000/mcp",
            "sub": "alice",
            "exp": now + 600,
            "scope": "read",
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}


@contextmanager
def issuing() -> Generator[Issuer]:
    """Run an issuer with a key of each kind."""
    issuer, ended = Issuer(), threading.Event()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            if self.path in issuer.dripping:
                self._drip(issuer.dripping[self.path])
                return
            document = issuer.documents.get(self.path)
            if isinstance(document, str):
                self.send_response(302)
                self.send_header("location", document)
            else:
                self.send_response(200 if document is not None else 404)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def _drip(self, begun: bytes) -> None:
            self.wfile.write(begun)
            with suppress(OSError):
                while not ended.wait(0.02):
                    self.wfile.write(b"x")

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
        issuer.documents[AS_PATH] = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks"}
        for algorithm in _PAIRS:
            issuer.add(algorithm, algorithm)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield issuer
        ended.set()
        server.shutdown()
        thread.join()


def _rsa() -> tuple[Any, dict[str, Any]]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key, RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)


def _ec() -> tuple[Any, dict[str, Any]]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, ECAlgorithm.to_jwk(key.public_key(), as_dict=True)


def _ed() -> tuple[Any, dict[str, Any]]:
    key = ed25519.Ed25519PrivateKey.generate()
    return key, OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)


_PAIRS = {"RS256": _rsa, "ES256": _ec, "EdDSA": _ed}
