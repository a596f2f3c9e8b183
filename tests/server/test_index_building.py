import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provenance_core.sourcemaps.index import Index
from provenance_core.sourcemaps.map_warnings import MapWarning, WarningCode
from provenance_server.index_building import BuiltFile, IndexBuilder, NotBuilt

ID = "e969f989-49ae-5d2b-a4d1-0a1e1d9fa1cb"
GOOD = {
    "version": 3,
    "file": "app.min.js",
    "debugId": ID,
    "sources": ["../src/cart.ts"],
    "sourcesContent": ["export function applyDiscount() {\n  throw new Error();\n}\n"],
    "names": [],
    "mappings": ";AACA",
}
SLOW = {
    **GOOD,
    "sources": ["a.js", "b.js"],
    "sourcesContent": ['"' * 2_000_000, '"' * 1_999_999],
    "mappings": "AAAA,CCAA",
}
"""A map whose sources take the parser many seconds, as each quotation mark is an error."""


@pytest.fixture
def builder() -> Iterator[IndexBuilder]:
    with IndexBuilder() as builder:
        yield builder


def write(folder: Path, document: object, name: str = "app.js.map") -> Path:
    path = folder / name
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    return path


def test_the_index_of_a_map_is_built_with_what_is_known_of_it(builder: IndexBuilder, tmp_path: Path):
    built = builder.build(write(tmp_path, GOOD), tmp_path / "index")

    assert built == BuiltFile(tmp_path / "index", (tmp_path / "index").stat().st_size, ID, "app.min.js", 1, 1, 2, ())
    index = Index((tmp_path / "index").read_bytes())
    mapping = index.lookup(1, 5)
    assert mapping is not None
    assert (index.source(mapping.source).name, mapping.line) == ("../src/cart.ts", 1)
    assert index.function_at(0, 1, 2) == "applyDiscount"


def test_what_a_map_lacks_is_told(builder: IndexBuilder, tmp_path: Path):
    built = builder.build(write(tmp_path, {**GOOD, "sourcesContent": [None]}), tmp_path / "index")

    assert isinstance(built, BuiltFile)
    assert built.warnings == (MapWarning(WarningCode.MISSING_SOURCES_CONTENT, 1),)


def test_one_process_builds_one_index_after_the_other(builder: IndexBuilder, tmp_path: Path):
    assert builder.pid is None

    pids = set[int | None]()
    for number in range(3):
        assert isinstance(builder.build(write(tmp_path, GOOD), tmp_path / f"index{number}"), BuiltFile)
        pids.add(builder.pid)

    assert len(pids) == 1
    assert None not in pids


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"secret",
        b"\xff\xfe",
        b"[" * 1_000_000,
        {},
        {**GOOD, "version": 2},
        {**GOOD, "mappings": "secret!"},
        {**GOOD, "sources": "secret"},
        {**GOOD, "mappings": ";" * 5_000_000},
    ],
)
def test_a_malformed_map_is_refused_in_words_without_its_text(builder: IndexBuilder, tmp_path: Path, document: object):
    refused = builder.build(write(tmp_path, document), tmp_path / "index")

    assert isinstance(refused, NotBuilt)
    assert refused.problem
    assert not refused.passes
    assert "secret" not in refused.problem
    assert not (tmp_path / "index").exists()
    assert isinstance(builder.build(write(tmp_path, GOOD), tmp_path / "index"), BuiltFile)


def test_a_map_that_is_too_large_is_refused_without_being_read(builder: IndexBuilder, tmp_path: Path):
    path = tmp_path / "app.js.map"
    with path.open("wb") as file:
        file.truncate(10 << 30)

    assert isinstance(builder.build(path, tmp_path / "index"), NotBuilt)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the address space of a process")
@pytest.mark.parametrize(
    ("field", "value"),
    [("x", b"[0" + b",0" * 28_000_000 + b"]"), ("sourcesContent", b'["' + b"(a," * 690_000 + b'"]')],
    ids=["as a document", "as a source"],
)
def test_a_map_that_needs_too_much_memory_is_refused(tmp_path: Path, field: str, value: bytes):
    document = {key: kept for key, kept in GOOD.items() if key != field} | {"sources": ["a.js"]}
    large = json.dumps(document).encode()[:-1] + b', "' + field.encode() + b'": ' + value + b"}"
    with IndexBuilder(memory=320 << 20) as builder:
        refused = builder.build(write(tmp_path, large), tmp_path / "index")

        assert isinstance(refused, NotBuilt)
        assert "memory" in refused.problem
        assert refused.passes
        assert isinstance(builder.build(write(tmp_path, GOOD), tmp_path / "index"), BuiltFile)


def test_a_map_that_takes_too_long_is_refused_and_the_next_one_built(tmp_path: Path):
    with IndexBuilder(seconds=1) as builder:
        assert isinstance(builder.build(write(tmp_path, GOOD), tmp_path / "index"), BuiltFile)
        start = time.monotonic()
        refused = builder.build(write(tmp_path, SLOW), tmp_path / "index")
        seconds = time.monotonic() - start
        again = builder.build(write(tmp_path, GOOD), tmp_path / "index")

    assert refused == NotBuilt("reading the source map takes longer than 1 seconds", passes=True)
    assert seconds < 10
    assert isinstance(again, BuiltFile)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_map_that_ends_the_process_is_refused_and_the_next_one_built(builder: IndexBuilder, tmp_path: Path):
    builder.build(write(tmp_path, GOOD), tmp_path / "index")
    slow = write(tmp_path, SLOW)
    pid = builder.pid
    assert pid is not None
    killer = threading.Timer(0.3, os.kill, [pid, signal.SIGKILL])
    killer.start()
    refused = builder.build(slow, tmp_path / "slow")
    killer.join()

    assert isinstance(refused, NotBuilt)
    assert "ended the process" in refused.problem
    assert refused.passes
    assert not (tmp_path / "slow").exists()
    assert isinstance(builder.build(write(tmp_path, GOOD), tmp_path / "index"), BuiltFile)
    assert builder.pid != pid


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_process_that_ended_between_two_maps_is_no_fault_of_the_second(builder: IndexBuilder, tmp_path: Path):
    builder.build(write(tmp_path, GOOD), tmp_path / "index")
    pid = builder.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    assert isinstance(builder.build(write(tmp_path, GOOD), tmp_path / "index"), BuiltFile)


def test_the_process_ends_with_its_builder(tmp_path: Path):
    with IndexBuilder() as builder:
        builder.build(write(tmp_path, GOOD), tmp_path / "index")
        pid = builder.pid

    assert builder.pid is None
    if sys.platform != "win32":
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_file_that_cannot_be_read_or_written_is_no_fault_of_the_map(builder: IndexBuilder, tmp_path: Path):
    with pytest.raises(OSError, match=os.strerror(errno.ENOENT)):
        builder.build(tmp_path / "absent.map", tmp_path / "index")
    with pytest.raises(OSError, match=os.strerror(errno.ENOENT)):
        builder.build(write(tmp_path, GOOD), tmp_path / "absent" / "index")


def test_the_name_of_a_script_is_told_cut_and_as_text(builder: IndexBuilder, tmp_path: Path):
    built = builder.build(write(tmp_path, {**GOOD, "file": "\ud800" + "漢" * 100_000}), tmp_path / "index")

    assert isinstance(built, BuiltFile)
    assert built.file is not None
    assert 1000 < len(built.file) <= 1024
    assert built.file.encode()


def test_the_process_ends_when_nobody_asks_any_more(tmp_path: Path):
    command = [sys.executable, "-P", "-m", "provenance_server.index_worker", str(3 << 30), "60"]
    request = json.dumps({"map": str(write(tmp_path, GOOD)), "index": str(tmp_path / "index")})

    done = subprocess.run(command, input=request + "\n", capture_output=True, text=True, timeout=30, check=True)

    assert done.stdout.startswith("{}\n")
    assert json.loads(done.stdout.splitlines()[1])["debug_id"] == ID
    assert done.stderr == ""


def test_the_process_loads_no_more_than_it_needs():
    code = "import sys, provenance_server.index_worker; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"sqlalchemy", "fastapi", "mcp", "httpx", "pydantic", "provenance_storage"} & set(loaded)
