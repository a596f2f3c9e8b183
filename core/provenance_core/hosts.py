"""Whether a host's name is an address, and whether it is this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach what is bound to a host."""
    return host.lower() == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_local(url: str) -> bool:
    """Say whether a URL leads to this machine."""
    return is_loopback(urlsplit(url).hostname or "")


def is_address(name: str) -> bool:
    """Say whether a name is an address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
