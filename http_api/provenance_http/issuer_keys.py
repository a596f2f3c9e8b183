"""The public keys of an OAuth issuer: found by its metadata, kept, and fetched again where a token names a new one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
import httpx
import jwt

from provenance_core.errors import Unavailable
from provenance_core.hosts import is_local

FETCH_SECONDS = 10.0
"""How long the issuer may take for all of its documents, however it sends them. Ours."""

AGAIN_SECONDS = 60.0
"""How often the issuer is asked at most: whoever makes up names of keys does not make us ask."""

KEPT_SECONDS = 3_600.0
"""How long keys are taken as they are, so that one which is withdrawn is not trusted for ever. Ours."""

LARGEST_DOCUMENT = 1024 * 1024
MOST_KEYS = 100

_AWAY = "The OAuth issuer's keys cannot be had now, so that no token can be checked; the server's log says why."
_Document = dict[str, Any]
_log = logging.getLogger("provenance_http")


class IssuerKeys:
    """Hold an issuer's keys by their names; any thread may ask, and may wait for the issuer.

    Args:
        issuer: The issuer's URL.
        clock: Returns monotonic seconds.
        seconds: How long all its documents may take.
    """

    def __init__(self, issuer: str, clock: Callable[[], float], seconds: float = FETCH_SECONDS) -> None:
        self.issuer = issuer
        self._clock = clock
        self._seconds = seconds
        self._lock = threading.Lock()
        self._keys: Mapping[str | None, jwt.PyJWK] | None = None
        self._fetched_at = self._asked_at = float("-inf")

    def find(self, name: str | None) -> jwt.PyJWK | None:
        """Return the key of a name, or the only one there is where a token names none.

        Raises:
            Unavailable: There never were any keys, and none can be had now.
        """
        keys = self._keys
        if keys is None or name not in keys or self._clock() - self._fetched_at > KEPT_SECONDS:
            self._fetch_again()
            keys = self._keys
        if keys is None:
            raise Unavailable(_AWAY)
        return keys.get(name)

    def _fetch_again(self) -> None:
        """Fetch the keys unless that was just done; who has keys does not wait while another fetches them."""
        if not self._lock.acquire(blocking=self._keys is None):
            return
        try:
            if self._clock() - self._asked_at < AGAIN_SECONDS:
                return
            self._asked_at = self._clock()
            self._keys = anyio.run(self._fetch)  # a loop of this thread: only so can an answer be left at any byte
            self._fetched_at = self._clock()
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, KeyError, TypeError) as error:
            _log.warning("The OAuth issuer's keys cannot be had: %s", _reason(error))
        finally:
            self._lock.release()

    async def _fetch(self) -> Mapping[str | None, jwt.PyJWK]:
        local = is_local(self.issuer)
        with anyio.fail_after(self._seconds):
            async with httpx.AsyncClient(timeout=self._seconds, trust_env=not local, follow_redirects=False) as http:
                metadata = await self._metadata(http)
                address = str(metadata["jwks_uri"])
                if urlsplit(address).scheme != "https" and not (local and is_local(address)):
                    raise ValueError("its jwks_uri does not begin with https://")
                found = list(_keys(await _document(http, address)))
        self.issuer = str(metadata["issuer"])
        named: dict[str | None, jwt.PyJWK] = {key.key_id: key for key in found}
        if len(found) == 1:
            named[None] = found[0]
        return named

    async def _metadata(self, http: httpx.AsyncClient) -> _Document:
        """Return what the issuer says of itself: by RFC 8414, else by OpenID Connect's discovery."""
        parts = urlsplit(self.issuer)
        if parts.scheme != "https" and not is_local(self.issuer):
            raise ValueError("its URL does not begin with https://")
        site, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
        addresses = (
            f"{site}/.well-known/oauth-authorization-server{path}",
            f"{site}{path}/.well-known/openid-configuration",
        )
        refusals: list[Exception] = []
        for address in addresses:
            try:
                told = await _document(http, address)
            except (httpx.HTTPStatusError, ValueError) as error:
                refusals.append(error)
                continue
            if str(told.get("issuer", "")).rstrip("/") != self.issuer.rstrip("/"):
                raise ValueError("its metadata names another issuer")
            return told
        raise refusals[-1]


async def _document(http: httpx.AsyncClient, address: str) -> _Document:
    """Fetch a JSON object of a bounded size."""
    async with http.stream("GET", address, headers={"accept": "application/json"}) as answer:
        answer.raise_for_status()
        if answer.is_redirect:
            raise ValueError("it redirects")
        body = b""
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > LARGEST_DOCUMENT:
                raise ValueError("it says too much")
    value = httpx.Response(200, content=body).json()
    if not isinstance(value, dict):
        raise ValueError("it does not answer with a JSON object")
    return cast("_Document", value)


def _keys(document: _Document) -> Iterator[jwt.PyJWK]:
    """Return the keys that can be used for signatures; of others there may be any."""
    listed = document["keys"]
    if not isinstance(listed, list):
        raise ValueError("its keys are no list")
    for one in cast("list[object]", listed)[:MOST_KEYS]:
        if not isinstance(one, dict) or cast("_Document", one).get("use", "sig") != "sig":
            continue
        if not isinstance(cast("_Document", one).get("kid"), str | None):
            continue
        try:
            yield jwt.PyJWK.from_dict(cast("_Document", one))
        except jwt.PyJWTError:
            continue


def _reason(error: Exception) -> str:
    """Say what was wrong without what the issuer sent."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"it answered HTTP {error.response.status_code}."
    if isinstance(error, httpx.HTTPError | TimeoutError):
        return f"{type(error).__name__}."
    return f"{error if type(error) is ValueError else type(error).__name__}."
