"""Say where the time of an event goes: each stage in a bare loop on one core, and what no server can beat."""

from __future__ import annotations

import gc
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from uuid import uuid4

import orjson

from benchmarks.databases import fresh_database, sqlite_driver
from benchmarks.ingest.samples import Sample
from benchmarks.provenance import KEEP_ALL
from provenance_core.envelope import parse_envelope
from provenance_core.events import Via
from provenance_core.fingerprint import fingerprint
from provenance_core.json_text import loads
from provenance_core.normalize import normalize_sentry
from provenance_core.origins import OriginConfig
from provenance_core.stacktrace import culprit, title
from provenance_http.bodies import LARGEST_INFLATED, inflate
from provenance_server.ingest import from_sentry, pack
from provenance_storage.payloads import compress
from provenance_storage.records import NewInteraction, OriginRecord
from provenance_storage.store import Store

SECONDS = 1.0
BATCHES = (1, 16, 128)
_GZIP = 31
T = TypeVar("T")


def profile(samples: Sequence[Sample], database_url: str | None) -> dict[str, float]:
    """Return the events per second of each stage, one after the other."""
    with TemporaryDirectory(prefix="provenance-bench-") as folder:
        database = fresh_database(database_url, Path(folder))
        store = Store.open(database.url)
        try:
            config = OriginConfig.model_validate(KEEP_ALL)
            origin = store.origins.create("bench", "Bench", None, config)
            rates = _stages(samples, origin)
            rates |= {f"record, {size} a batch": _recording(store, origin, samples, size) for size in BATCHES}
        finally:
            store.close()
            database.remove()
        rates |= {f"RAW LIMIT, {size} a batch": _raw(samples, Path(folder), size) for size in BATCHES}
    return rates


def _stages(samples: Sequence[Sample], origin: OriginRecord) -> dict[str, float]:
    """Measure what is done in memory; the last figure is all of it but the record, in a single loop."""
    bodies = [_gzipped(sample) for sample in samples]
    inflated = [inflate(body, "gzip", LARGEST_INFLATED) for body in bodies]
    payloads = [parse_envelope(data).items[0].payload for data in inflated]
    events = [normalize_sentry(loads(payload).value) for payload in payloads]
    dumped = [event.model_dump_json(by_alias=True, exclude_defaults=True).encode() for event in events]
    strategy = origin.config.error_tracking.fingerprinting
    gc.collect()
    gc.freeze()  # a server holds no such inputs, so the collector must not walk them
    rates = {
        "inflate": _rate(bodies, lambda body: inflate(body, "gzip", LARGEST_INFLATED)),
        "envelope": _rate(inflated, parse_envelope),
        "parse": _rate(payloads, loads),
        "normalise": _rate(payloads, lambda payload: normalize_sentry(loads(payload).value)),
        "fingerprint": _rate(events, lambda event: fingerprint(event, strategy)),
        "title and culprit": _rate(events, lambda event: (title(event), culprit(event))),
        "dump": _rate(events, lambda event: event.model_dump_json(by_alias=True, exclude_defaults=True)),
        "compress": _rate(dumped, lambda data: pack(data, None)),
        "parse to packed": _rate(payloads, lambda data: from_sentry(origin, loads(data).value, Via.PUBLIC)),
        "all before record": _rate(bodies, lambda body: _prepared(origin, body)),
    }
    gc.unfreeze()
    rates["normalise"] = 1 / (1 / rates["normalise"] - 1 / rates["parse"])  # it changes its input: parsed each time
    return rates


def _prepared(origin: OriginRecord, body: bytes) -> NewInteraction:
    """Do all that is done to a request's body before it is recorded."""
    item = parse_envelope(inflate(body, "gzip", LARGEST_INFLATED)).items[0]
    return from_sentry(origin, loads(item.payload).value, Via.PUBLIC)


def _recording(store: Store, origin: OriginRecord, samples: Sequence[Sample], size: int) -> float:
    """Measure the store alone; what is recorded was prepared before."""
    batches: list[list[NewInteraction]] = []
    for start in range(0, 16 * size if size > 1 else 256, size):
        chosen = [samples[(start + place) % len(samples)] for place in range(size)]
        batches.append([_prepared(origin, _gzipped(sample)) for sample in chosen])
    store.record([_prepared(origin, _gzipped(sample)) for sample in samples])  # the issues are there by now
    began = time.perf_counter()
    for batch in batches:
        store.record(batch)
    return size * len(batches) / (time.perf_counter() - began)


def _raw(samples: Sequence[Sample], folder: Path, size: int) -> float:
    """Measure what any server must do: inflate, parse, compress, and insert in durable transactions into SQLite."""
    connection = sqlite_driver().connect(folder / f"raw-{size}.sqlite3", isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
        connection.execute(statement).fetchone()
    connection.execute("create table event (id blob primary key, at integer not null, body blob not null)")
    bodies = [_gzipped(sample) for sample in samples]
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        rows: list[tuple[bytes, int, bytes]] = []
        for place in range(size):
            data = zlib.decompress(bodies[(done + place) % len(bodies)], _GZIP)
            payload = data.split(b"\n", 2)[2]
            orjson.loads(payload)
            rows.append((uuid4().bytes, time.time_ns() // 1_000, compress(payload)))
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("insert into event values (?, ?, ?)", rows)
        connection.execute("COMMIT")
        done += size
    rate = done / (time.perf_counter() - began)
    connection.close()
    return rate


def _gzipped(sample: Sample) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    return packer.compress(sample.envelope(uuid4().hex.encode())) + packer.flush()


def _rate(items: Sequence[T], work: Callable[[T], object]) -> float:
    """Return how many items are worked on in a second of the processor; what comes of them is dropped at once."""
    for item in items[:20]:
        work(item)
    done, began = 0, time.process_time()
    while (elapsed := time.process_time() - began) < SECONDS:
        for item in items:
            work(item)
        done += len(items)
    return done / elapsed
