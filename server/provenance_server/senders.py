"""Who sends, as a keyed hash of the address: enough to count addresses, no address itself."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

HASH_BYTES = 8
MOST_ADDRESSES = 4_096
"""Addresses whose hashes are remembered. Ours."""

_HOST_BITS = 64
"""What one network chooses of an IPv6 address: whoever has one has all of these."""


class Senders:
    """Hash addresses with a secret of the store: the same in all its processes, and for nobody else.

    Args:
        secret: The key.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._hash = lru_cache(MOST_ADDRESSES)(self._hashed)

    def hash_of(self, client: tuple[str, int] | None) -> bytes | None:
        """Return the hash of a connection's other end, host and port, or None where it has no address."""
        return self._hash(client[0]) if client is not None and client[0] else None

    def _hashed(self, host: str) -> bytes:
        return hashlib.blake2b(_sender(host), digest_size=HASH_BYTES, key=self._secret).digest()


def _sender(host: str) -> bytes:
    """Return what of an address tells one sender from another: of IPv6 the network."""
    try:
        address = ip_address(host)
    except ValueError:
        return host.encode()
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    packed = address.packed
    return packed[: _HOST_BITS // 8] if isinstance(address, IPv6Address) else packed
