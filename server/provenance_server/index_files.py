"""Keep packed indexes as files of this machine, mapped into memory where they are looked up.

The store has them; a file is fetched when it is first needed, and may be deleted at any time.
"""

from __future__ import annotations

import logging
import mmap
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import platformdirs
from sourcemap.exceptions import SourceMapDecodeError

from provenance_core.errors import Busy, ProvenanceError
from provenance_core.sourcemaps.index import INDEX_VERSION, Index
from provenance_server.recent import Recent
from provenance_storage.engine import sqlite_path
from provenance_storage.records import PartKind
from provenance_storage.store import Store

LARGEST_FOLDER = 2 * 1024**3
"""Bytes of all files; the ones used longest ago are deleted. Ours: some hundred maps of large applications."""

FAILED_SECONDS = 60.0
"""How long a map that could not be read is left alone, and the folder when it could not be used."""

PART_SECONDS = 3600.0
"""Age at which a file that is not whole yet is of a process that was killed."""

MOST_FAILED = 1_024
"""Maps of which it is remembered that they could not be read."""

MOST_CHECKED = 4_096
"""Files of which it is remembered that they are as they were written."""

_TRIES = 3
_ENDING = f".{INDEX_VERSION}.index"
_PART = ".part"
_log = logging.getLogger(__name__)


def folder_of(url: str) -> Path:
    """Return where the indexes of a store are kept: beside its file, or in the user's cache folder."""
    path = sqlite_path(url)
    if path is not None:
        return path.with_name(f"{path.name}.sourcemaps")
    name = sha256(url.encode()).hexdigest()[:16]
    return Path(platformdirs.user_cache_dir("provenance")) / "sourcemaps" / name


class IndexFiles:
    """Open packed indexes of a store; any thread may call.

    Args:
        store: The store.
        folder: Where the files are; None keeps an index in memory while it is used.
        largest: Bytes of all files.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        store: Store,
        folder: Path | None,
        largest: int = LARGEST_FOLDER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._folder = folder
        self._largest = largest
        self._clock = clock
        self._usable_from = clock()
        self._lock = threading.Lock()
        self._failed: Recent[tuple[UUID, bytes], bool] = Recent(MOST_FAILED, clock)
        self._suspect: Recent[tuple[UUID, bytes], bool] = Recent(MOST_FAILED, clock)
        self._checked: Recent[bytes, bool] = Recent(MOST_CHECKED, clock)

    def open(self, origin_id: UUID, content: bytes) -> Index | None:
        """Return the index of a map, or None where it cannot be read: what failed is logged, and not soon tried again.

        Args:
            origin_id: Whose map it is.
            content: The hash of the map.
        """
        with self._lock:
            if self._failed.get((origin_id, content)):
                return None
        try:
            return self._kept(origin_id, content) or self._loaded(origin_id, content)
        except (ProvenanceError, SourceMapDecodeError) as error:
            if not isinstance(error, Busy):
                self._fail(origin_id, content)
            _log.warning("A source map cannot be read: %s", error)
            return None

    def discard(self, origin_id: UUID, content: bytes) -> None:
        """Delete the file of an index that a look-up found damaged; it is fetched anew when it is next opened.

        Args:
            origin_id: Whose map it is.
            content: The hash of the map.
        """
        _log.warning("The index of a source map is damaged; it is fetched again.")
        if self._folder is not None:
            with suppress(OSError):
                self._path(self._folder, content).unlink()
        with self._lock:
            self._checked.drop(lambda checked, _: checked == content)
            was_fetched_again = self._suspect.get((origin_id, content))
            self._suspect.put((origin_id, content), True, FAILED_SECONDS)
        if was_fetched_again:
            self._fail(origin_id, content)

    def retry(self, origin_id: UUID) -> None:
        """Forget which maps of an origin could not be read."""
        with self._lock:
            self._failed.drop(lambda key, _: key[0] == origin_id)
            self._suspect.drop(lambda key, _: key[0] == origin_id)

    def _fail(self, origin_id: UUID, content: bytes) -> None:
        with self._lock:
            self._failed.put((origin_id, content), True, FAILED_SECONDS)

    def _loaded(self, origin_id: UUID, content: bytes) -> Index:
        index = Index(b"".join(self._store.artifacts.read_part(origin_id, content, PartKind.INDEX)))
        index.check()
        return index

    def _kept(self, origin_id: UUID, content: bytes) -> Index | None:
        """Return an index from its file, or None where files cannot be used now."""
        if self._folder is None or self._clock() < self._usable_from:
            return None
        try:
            for _ in range(_TRIES):
                with suppress(FileNotFoundError):  # another process made room, or deleted the folder
                    return self._mapped(self._folder, origin_id, content)
        except OSError as error:
            self._usable_from = self._clock() + FAILED_SECONDS
            told = error.strerror or type(error).__name__
            _log.warning("Source maps cannot be kept as files for now: %s. They are loaded each time.", told)
        return None

    def _mapped(self, folder: Path, origin_id: UUID, content: bytes) -> Index:
        path = self._path(folder, content)
        try:
            index = self._opened(path, content)
        except FileNotFoundError:
            pass
        except SourceMapDecodeError:  # damaged, or of a program that was killed
            path.unlink(missing_ok=True)
        else:
            with suppress(OSError):
                os.utime(path)
            return index
        self._fetch(folder, origin_id, content, path)
        try:
            return self._opened(path, content)
        except SourceMapDecodeError:
            path.unlink(missing_ok=True)
            raise

    def _path(self, folder: Path, content: bytes) -> Path:
        return folder / f"{content.hex()}{_ENDING}"

    def _opened(self, path: Path, content: bytes) -> Index:
        """Map a file, and see that it is as it was written: once, as the whole of it is read for that."""
        mapped = _mapping_of(path)
        index = Index(mapped)
        with self._lock:
            is_checked = self._checked.get(content)
        if not is_checked:
            index.check()
            _let_go(mapped)
            with self._lock:
                self._checked.put(content, True)
        return index

    def _fetch(self, folder: Path, origin_id: UUID, content: bytes, path: Path) -> None:
        """Write an index of the store to its file, which appears once it is whole."""
        with self._lock:
            self._checked.drop(lambda checked, _: checked == content)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, suffix=_PART)
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in self._store.artifacts.read_part(origin_id, content, PartKind.INDEX):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        _make_room(folder, self._largest)


def _make_room(folder: Path, largest: int) -> None:
    """Delete what killed processes left, and the files that were used longest ago, where there are too many bytes."""
    files: list[tuple[float, int, Path]] = []
    for path in folder.iterdir():
        with suppress(OSError):
            facts = path.stat()
            if path.suffix != _PART:
                files.append((facts.st_mtime, facts.st_size, path))
            elif facts.st_mtime < time.time() - PART_SECONDS:
                path.unlink()
    size = sum(length for _, length, _ in files)
    for _, length, path in sorted(files)[:-1]:
        if size <= largest:
            break
        with suppress(OSError):
            path.unlink()
            size -= length


def _mapping_of(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise SourceMapDecodeError("an empty file is no index") from None


def _let_go(mapped: mmap.mmap) -> None:
    """Give back the pages of a file that was read as a whole: look-ups need few of them."""
    advice: int | None = getattr(mmap, "MADV_DONTNEED", None)  # not on Windows
    if advice is not None:
        mapped.madvise(advice)
