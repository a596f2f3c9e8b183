"""How a server is reached: what it is bound to, the name the world knows it by, and what bounds its answers."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from provenance_core.hosts import is_address, is_local, is_loopback
from provenance_server.settings import Settings

MCP_PATH = "/mcp"
DEFAULT_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a server is told of itself.

    Attributes:
        host: The address or name it is bound to; one of all interfaces admits any address, but no name.
        url: Where it answers on this machine.
        public_url: Where others reach it, through a proxy or by name.
        oauth_issuer: Whose access tokens are taken for keys.
        read_only: Whether nothing but events is taken in.
        lockdown: Whether reported text of nobody known is withheld from everybody.
    """

    host: str = "127.0.0.1"
    url: str = "http://127.0.0.1:4000"
    public_url: str | None = None
    oauth_issuer: str | None = None
    read_only: bool = False
    lockdown: bool = False

    @property
    def base(self) -> str:
        """Return the server's own address as others are told it, without a slash at its end."""
        return (self.public_url or self.url).rstrip("/")

    @property
    def resources(self) -> frozenset[str]:
        """Return what access tokens may be meant for: the server, or its MCP door."""
        return frozenset({self.base, f"{self.base}/", f"{self.base}{MCP_PATH}"})

    @property
    def private(self) -> bool:
        """Say whether only this machine can be meant to reach it."""
        return is_private(self.host, self.public_url)


def exposure_of(settings: Settings, url: str) -> Exposure:
    """Return what settings tell a server of itself.

    Args:
        settings: The settings.
        url: Where it answers on this machine.
    """
    return Exposure(
        settings.host, url, settings.public_url, settings.oauth_issuer, settings.read_only, settings.lockdown
    )


def is_private(host: str, public_url: str | None) -> bool:
    """Say whether only this machine can be meant to reach what is bound to a host and known by a URL."""
    return is_loopback(host) and (public_url is None or is_local(public_url))


def is_wildcard(host: str) -> bool:
    """Say whether a host stands for all interfaces."""
    return not host or (is_address(host) and ipaddress.ip_address(host).is_unspecified)


def page_origin(url: str) -> tuple[str, str]:
    """Return scheme and place of a URL or a page's origin as browsers compare them: without the usual port."""
    scheme, _, rest = url.lower().partition("://")
    place = rest.partition("/")[0]
    return scheme, place.removesuffix(f":{DEFAULT_PORTS.get(scheme, '')}")
