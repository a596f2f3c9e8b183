"""Look at the file of a store: is it whole, is there room, who may read it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from provenance_storage.findings import Finding, problem, warning, well
from provenance_storage.server_lock import served_at
from provenance_storage.sqlite import SAFE_SQLITE, SqliteDatabase, sqlite_module

LOW_SHARE = 0.1
LOW_BYTES = 1 << 30
LARGE_LOG = 256 << 20
"""A write-ahead log of so many bytes is not being moved into the file, as a server does at a sixteenth of it."""

SHOWN = 3


def inspect_surroundings(database: SqliteDatabase) -> Iterator[Finding]:
    """Look at what is around the file, without opening it."""
    yield _driver()
    yield _permissions(database.path)
    yield _room(database.path)
    yield _log_size(database)
    address = served_at(database.path)
    yield well("server", f"A server answers at {address}." if address else "No server runs on this store.")


def inspect_content(database: SqliteDatabase) -> Iterator[Finding]:
    """Read the whole file and look for damage."""
    with database.read() as connection:
        said = [str(row[0]) for row in connection.exec_driver_sql("pragma integrity_check(100)")]
    if said != ["ok"]:
        found = f"The file is damaged: {'; '.join(said[:SHOWN])}"
        yield problem("integrity", found, "Stop what uses it, keep a copy, and restore the newest backup.")
        return
    yield well("integrity", "Every page and index of the file is sound.")
    with database.read() as connection:
        strays = connection.exec_driver_sql("pragma foreign_key_check").all()
    if strays:
        tables = ", ".join(sorted({str(row[0]) for row in strays}))
        yield problem("references", f"{len(strays)} rows refer to nothing, in {tables}.", "Restore a backup.")
    else:
        yield well("references", "Every row that refers to another finds it.")


def _driver() -> Finding:
    module = sqlite_module()
    safe = ".".join(map(str, SAFE_SQLITE))
    if module.sqlite_version_info >= SAFE_SQLITE:
        return well("sqlite", f"SQLite {module.sqlite_version} is in use.")
    found = f"SQLite {module.sqlite_version} can damage a store in rare races of its write-ahead log."
    return warning("sqlite", found, f"Install pysqlite3, or a Python with SQLite {safe} or later.")


def _permissions(path: Path) -> Finding:
    if not os.access(path, os.R_OK | os.W_OK):
        return problem("permissions", f"This user may not read and write {path}.", "Change its owner or its mode.")
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        found = "Other users of this machine may read the store, and it holds what events carried."
        return warning("permissions", found, f"chmod 600 {path}")
    return well("permissions", "Only its owner reads the store.")


def _room(path: Path) -> Finding:
    usage = shutil.disk_usage(path.parent)
    found = f"{megabytes(usage.free)} of the disk are free; the store has {megabytes(path.stat().st_size)}."
    if usage.free < LOW_BYTES or usage.free < usage.total * LOW_SHARE:
        advice = "Make room, or keep less: config.errorTracking.retentionDays of an origin, then `provenance db prune`."
        return warning("disk", found, advice)
    return well("disk", found)


def _log_size(database: SqliteDatabase) -> Finding:
    size = database.wal_bytes()
    if size <= LARGE_LOG:
        return well("log", f"The write-ahead log has {megabytes(size)}.")
    found = f"The write-ahead log has {megabytes(size)}: something reads an old state of the store for a long time."
    return warning("log", found, "End that process; a server then moves the log into the store.")


def megabytes(size: int) -> str:
    """Return a size in words."""
    return f"{size / 1_000_000:,.0f} MB" if size >= 1_000_000 else f"{size:,} bytes"
