"""Compress what interactions carry; the checksum notices a flipped bit that the database would not."""

from __future__ import annotations

import threading

import zstandard

from provenance_core.errors import Unavailable

LEVEL = 3
LARGEST = 64 * 1024 * 1024
"""The largest payload in bytes that is ever read back."""

_local = threading.local()


def compress(data: bytes) -> bytes:
    """Return the data as one zstd frame with its checksum."""
    compressor: zstandard.ZstdCompressor | None = getattr(_local, "compressor", None)
    if compressor is None:
        compressor = _local.compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    return compressor.compress(data)


def decompress(body: bytes) -> bytes:
    """Return the data of a frame.

    Raises:
        Unavailable: The frame is damaged.
    """
    try:
        return zstandard.ZstdDecompressor().decompress(body, max_output_size=LARGEST)
    except zstandard.ZstdError:
        raise Unavailable("A stored payload is damaged; restore the store from a backup.") from None
