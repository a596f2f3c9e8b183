"""A damaged file: said in words that name it and what to do, and never taken for an empty store."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from tests.factory import make_origin, payload, report
from tests.faults.law import check
from tests.faults.load import Key
from tests.faults.servers import NotStarted, Server, running
from tests.processes import Installation

from provenance_cli.main import main
from provenance_storage.store import Store

Ask = Callable[..., tuple[int, str]]
EVENTS = 300
PAGE = 4096


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store whose newest events are in its write-ahead log only, as a server that was killed leaves it."""
    folder = tmp_path_factory.mktemp("whole")
    path, left = folder / "store.sqlite3", folder / "left"
    with closing(Store.open(f"sqlite:///{path}")) as store:
        origin = make_origin(store)
        _record(store, 0)
        database = store.database
        database.tidy(idle=True)
        _record(store, EVENTS)
        left.mkdir()
        for name in ("", "-wal", "-shm"):
            shutil.copy(f"{path}{name}", left)
    (folder / "origin.json").write_text(json.dumps({"number": origin.number, "publicKey": origin.public_key}))
    assert (left / "store.sqlite3-wal").stat().st_size > 10 * PAGE
    return left


def _record(store: Store, start: int) -> None:
    origin = store.origins.find("shop")
    numbers = range(start, start + EVENTS)
    report(store, origin, *(payload(eventId=f"{n:032x}", errorType=f"Type{n % 7}") for n in numbers))


@pytest.fixture
def damaged(whole: Path, tmp_path: Path) -> Installation:
    """Copy the store, to be damaged by the test."""
    shutil.copytree(whole, tmp_path / "data")
    return Installation(tmp_path, f"sqlite:///{tmp_path / 'data' / 'store.sqlite3'}")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Return how a command is run in this process: its exit code, and what it said."""

    def run(machine: Installation, *words: str) -> tuple[int, str]:
        for name, value in machine.environment.items():
            monkeypatch.setenv(name, value)
        code = main(words)
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def _path(machine: Installation, name: str = "") -> Path:
    return Path(machine.store_url.removeprefix("sqlite:///") + name)


def zero_first_page(machine: Installation) -> None:
    with _path(machine).open("r+b") as file:
        file.write(bytes(PAGE))
    _path(machine, "-wal").write_bytes(b"")


def not_a_store(machine: Installation) -> None:
    _path(machine).write_text("some notes, and no store at all\n" * 1_000)
    _path(machine, "-wal").unlink()


def garbage_log(machine: Installation) -> None:
    size = _path(machine, "-wal").stat().st_size
    _path(machine, "-wal").write_bytes(random.Random(1).randbytes(size))


def zeroed_log(machine: Installation) -> None:
    _path(machine, "-wal").write_bytes(bytes(_path(machine, "-wal").stat().st_size))


def wrong_sum(machine: Installation) -> None:
    with _path(machine, "-wal").open("r+b") as file:
        file.seek(16)
        file.write(b"salt")


def emptied_beside_its_log(machine: Installation) -> None:
    _path(machine).write_bytes(b"")


def deleted_beside_its_log(machine: Installation) -> None:
    _path(machine).unlink()


@pytest.mark.parametrize(
    "damage",
    [
        zero_first_page,
        not_a_store,
        garbage_log,
        zeroed_log,
        wrong_sum,
        emptied_beside_its_log,
        deleted_beside_its_log,
    ],
)
def test_what_cannot_be_a_store_is_refused(
    damaged: Installation, damage: Callable[[Installation], None], ask: Ask, tmp_path: Path
) -> None:
    damage(damaged)
    before = _bytes(damaged)

    served = damaged.run("serve", "--port", "0", expect=3)
    others = [ask(damaged, *words) for words in (["doctor"], ["errors", "list"], ["db", "backup", str(tmp_path / "b")])]

    assert [code for code, _ in others] == [3, 3, 3]
    for told in (served, *(told for _, told in others)):
        assert str(_path(damaged)) in told
        assert "backup" in told
        assert "Traceback" not in told
    assert not (tmp_path / "b").exists()
    assert _bytes(damaged) == before


def _bytes(machine: Installation) -> dict[str, bytes]:
    names = [name for name in ("", "-wal") if _path(machine, name).exists()]
    return {name: _path(machine, name).read_bytes() for name in names}


def test_a_log_and_a_store_are_read_without_their_index(damaged: Installation) -> None:
    _path(damaged, "-shm").unlink()

    with running(damaged) as server:
        log = server.stop()

    ids = {f"{number:032x}" for number in range(2 * EVENTS)}
    with closing(Store.open(damaged.store_url)) as store:
        check(store, ids, ids)
    assert log == ""


def cut_in_half(path: Path, _chance: random.Random) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // PAGE * PAGE)


def cut_within_a_page(path: Path, _chance: random.Random) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - PAGE * 3 - 1_000)


def flip_bytes(path: Path, chance: random.Random) -> None:
    with path.open("r+b") as file:
        for _ in range(60):
            file.seek(chance.randrange(PAGE, path.stat().st_size))
            file.write(chance.randbytes(8))


def zero_pages(path: Path, chance: random.Random) -> None:
    pages = path.stat().st_size // PAGE
    with path.open("r+b") as file:
        for page in chance.sample(range(1, pages), pages // 8):
            file.seek(page * PAGE)
            file.write(bytes(PAGE))


@pytest.mark.parametrize(
    ("damage", "seed"),
    [(cut_in_half, 0), (cut_within_a_page, 0), (flip_bytes, 1), (flip_bytes, 2), (flip_bytes, 3), (zero_pages, 1)],
)
def test_a_damaged_page_is_told_and_takes_nothing_down(
    damaged: Installation, whole: Path, damage: Callable[[Path, random.Random], None], seed: int, ask: Ask
) -> None:
    _path(damaged, "-wal").write_bytes(b"")
    damage(_path(damaged), random.Random(seed))
    key = Key.of(json.loads((whole.parent / "origin.json").read_text()))

    code, found = ask(damaged, "doctor")
    try:
        with running(damaged) as server:
            statuses = _use(server, key)
            told = server.stop()
    except NotStarted as refused:
        statuses, told = [503], str(refused)
        assert told.startswith("Error: ")

    assert "Traceback" not in found
    assert str(_path(damaged)) in found
    assert set(statuses) <= {200, 403, 404, 500, 503}
    if (
        damage is not flip_bytes
    ):  # SQLite has no sums of what it stores: it takes a wrong moment, or a wrong key, as it is
        assert code in {1, 3}
        assert 503 in statuses
        assert 500 not in statuses
        assert "Traceback" not in told


def _use(server: Server, key: Key) -> list[int]:
    """Read and write in many ways, and return the statuses of the answers."""
    event = {"exception": {"values": [{"type": "TypeNew", "value": "v"}]}, "release": "9.9"}
    with server.client() as client:
        answers: list[httpx.Response] = []
        for number in range(20):
            sent = {**event, "event_id": f"{number + 10**6:032x}"}
            answers.append(client.post(f"/api/{key.number}/store/?sentry_key={key.public}", json=sent))
        listed = client.get("/api/error-issues?limit=100")
        answers.append(listed)
        answers += [client.get(path) for path in ("/readyz", "/metrics", "/api/origins", "/api/interactions")]
        for issue in listed.json().get("items", []):
            path = f"/api/error-issues/{issue['id']}"
            answers += [client.get(path), client.get(f"{path}/events?limit=100")]
            answers.append(client.patch(f"{path}/status", json={"status": "resolved"}))
    return [answer.status_code for answer in answers]
