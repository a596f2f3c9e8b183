"""Inflate bodies piece by piece, so that whoever reads the pieces can stop at a limit.

Each piece is small whatever the input: a few bytes that stand for gigabytes cost no more than the limit.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from mmap import mmap
from typing import IO, Any, Protocol, cast

import brotli  # pyright: ignore[reportMissingTypeStubs]  # it has none
import zstandard

from provenance_core.errors import InvalidInput

PIECE_BYTES = 64 * 1024
"""Size of the pieces that are read and, about, of those that are given: what a decoder has not read yet is copied."""

LARGEST_WINDOW = 8 * 1024 * 1024
"""Memory a zstd frame may ask for; RFC 8878 3.1.1.1.2 recommends decoders to support 8 MB."""

MOST_MEMBERS = 1_000
"""Members of gzip and frames of zstd; ours: senders write one, and each costs though it may be empty."""

MOST_BLOCKS = 100_000
"""Blocks of zstd; ours: at the largest inflated size they hold 1 KiB each."""

Data = bytes | mmap
"""A body: as it came, or in a file that is mapped, of which no more is read than is inflated."""

_GZIP, _ZLIB, _RAW = 31, 15, -15
_WINDOW_BITS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}
_GZIP_MAGIC = b"\x1f\x8b"
_SKIPPABLE_MAGIC = range(0x184D2A50, 0x184D2A60)
_RLE_BLOCK = 1
_CHECKSUM_BYTES = 4
_library = cast("Any", brotli)


class _BrotliDecoder(Protocol):
    def process(self, data: bytes, *, output_buffer_limit: int) -> bytes: ...

    def can_accept_more_data(self) -> bool: ...

    def is_finished(self) -> bool: ...


def _identity(data: Data) -> Iterator[bytes]:
    yield data[:]


def _gzip(data: Data) -> Iterator[bytes]:
    """Inflate gzip, of one member or several; what follows the last is not looked at."""
    end = 0
    for _ in range(MOST_MEMBERS):
        end = yield from _zlib_pieces(zlib.decompressobj(_GZIP), data, end, "gzip")
        if data[end : end + len(_GZIP_MAGIC)] != _GZIP_MAGIC:
            return
    raise _too_many("gzip", "members")


def _deflate(data: Data) -> Iterator[bytes]:
    """Inflate what HTTP calls deflate: the zlib format, or, as some senders understand it, a raw stream."""
    wrapped = len(data) > 1 and data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
    yield from _zlib_pieces(zlib.decompressobj(_ZLIB if wrapped else _RAW), data, 0, "deflate")


def _zlib_pieces(
    decoder: zlib._Decompress,  # pyright: ignore[reportPrivateUsage]  # its only name
    data: Data,
    position: int,
    encoding: str,
) -> Generator[bytes, None, int]:
    """Inflate the stream at a position and return where it ends."""
    while not decoder.eof:
        given = decoder.unconsumed_tail
        if not given:
            given = data[position : position + PIECE_BYTES]
            position += len(given)
        try:
            piece = decoder.decompress(given, PIECE_BYTES)
        except zlib.error:
            raise _not(encoding) from None
        if not piece and not given and not decoder.eof:
            raise _cut(encoding)
        yield piece
    return position - len(decoder.unused_data)


def _brotli(data: Data) -> Iterator[bytes]:
    """Inflate brotli; what it holds back is drained before it is asked whether the stream has ended."""
    decoder: _BrotliDecoder = _library.Decompressor()
    position = 0
    while not decoder.is_finished():
        given = data[position : position + PIECE_BYTES] if decoder.can_accept_more_data() else b""
        position += len(given)
        try:
            piece = decoder.process(given, output_buffer_limit=PIECE_BYTES)
        except _library.error:
            raise _not("br") from None
        if not piece and not given and not decoder.is_finished():
            raise _cut("br")
        yield piece
    if position < len(data):
        raise _not("br")


def _zstd(data: Data) -> Iterator[bytes]:
    """Inflate zstd; its reader takes a stream that is cut for one that is empty, so the frames are walked as well."""
    try:
        source = cast("bytes | IO[bytes]", data)  # what is mapped is read like a file
        decompressor = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW)
        reader = decompressor.stream_reader(source, read_across_frames=True)
        while piece := reader.read(PIECE_BYTES):
            yield piece
        _check_frames(data)
    except zstandard.ZstdError:
        raise _not("zstd") from None


def _check_frames(data: Data) -> None:
    """Refuse frames that are cut: walk the headers of all blocks, RFC 8878 3.1."""
    position = 0
    blocks = iter(range(MOST_BLOCKS))
    for _ in range(MOST_MEMBERS):
        head = data[position : position + 8]
        if int.from_bytes(head[:4], "little") in _SKIPPABLE_MAGIC:
            position += 8 + int.from_bytes(head[4:], "little")
        else:
            position = _past_frame(data, position, blocks)
        if position > len(data):
            raise _cut("zstd")
        if position == len(data):
            return
    raise _too_many("zstd", "frames")


def _past_frame(data: Data, position: int, blocks: Iterator[int]) -> int:
    """Return where the frame at a position ends, beyond the data where it is cut; each block uses one of those left."""
    start = data[position : position + 18]
    checksum = _CHECKSUM_BYTES if zstandard.get_frame_parameters(start).has_checksum else 0
    position += zstandard.frame_header_size(start)
    for _ in blocks:
        if position >= len(data):
            return len(data) + 1
        block = int.from_bytes(data[position : position + 3], "little")
        last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
        position += 3 + (1 if kind == _RLE_BLOCK else size)
        if last:
            return position + checksum
    raise _too_many("zstd", "blocks")


def decode_at_once(data: bytes, encoding: str, largest: int) -> bytes | None:
    """Inflate in one step what is one plain stream and inflates to so many bytes at most; None where it does not.

    It takes no longer than those bytes do, whatever the data.
    """
    if encoding == "identity":
        return data
    if encoding in _WINDOW_BITS:
        decoder = zlib.decompressobj(_WINDOW_BITS[encoding])
        try:
            inflated = decoder.decompress(data, largest)
        except zlib.error:
            return None
        return inflated if decoder.eof and not decoder.unused_data else None
    return _brotli_at_once(data, largest) if encoding == "br" else None


def _brotli_at_once(data: bytes, largest: int) -> bytes | None:
    decoder: _BrotliDecoder = _library.Decompressor()
    try:
        inflated = decoder.process(data, output_buffer_limit=largest)
    except _library.error:
        return None
    return inflated if decoder.is_finished() and len(inflated) <= largest else None


def _not(encoding: str) -> InvalidInput:
    return InvalidInput(f"The body is not valid {encoding}, as its content-encoding says; compress it again.")


def _cut(encoding: str) -> InvalidInput:
    return InvalidInput(f"The {encoding} body is cut before its end; send it again.")


def _too_many(encoding: str, parts: str) -> InvalidInput:
    return InvalidInput(f"The {encoding} body has too many {parts}; compress it in one piece.")


DECODERS: Mapping[str, Callable[[Data], Iterator[bytes]]] = {
    "identity": _identity,
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
"""How each encoding is inflated."""
