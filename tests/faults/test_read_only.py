"""A store that nothing can be written to: a server says so and does not begin."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.disks import Namespace, namespace
from tests.processes import PROVENANCE, Installation

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its mounts are needed")


@pytest.fixture
def machine(tmp_path: Path) -> Installation:
    (tmp_path / "data").mkdir()
    machine = Installation(tmp_path, f"sqlite:///{tmp_path / 'data' / 'store.sqlite3'}")
    machine.run("origins", "create", "shop")
    return machine


@pytest.mark.parametrize("name", ["store.sqlite3", "."])
def test_a_server_does_not_begin_on_what_it_cannot_write(machine: Installation, name: str) -> None:
    folder = machine.home / "data"
    before = _digests(folder)
    with namespace() as there:
        there.run('mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"', folder / name)
        code, told = _run(there, machine, "serve", "--port", "0")
        doctor, found = _run(there, machine, "doctor")

    assert code == 3
    assert str(folder / "store.sqlite3") in told
    assert "ermission" in told
    assert "Traceback" not in told + found
    assert doctor in {1, 3}
    assert _digests(folder) == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    machine = Installation(tmp_path, f"sqlite:///{tmp_path / 'file' / 'store.sqlite3'}")

    told = machine.run("serve", "--port", "0", expect=3)

    assert str(tmp_path / "file") in told
    assert "Traceback" not in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write what it may not")
def test_a_file_without_the_right_to_write_is_told(machine: Installation) -> None:
    path = machine.home / "data" / "store.sqlite3"
    path.chmod(0o400)

    told = machine.run("serve", "--port", "0", expect=3)

    assert str(path) in told


def _run(there: Namespace, machine: Installation, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [*there.command, *PROVENANCE, *words],
        env=machine.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _digests(folder: Path) -> dict[str, str]:
    """Return what is in the files of a folder that hold anything: a lock does not."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    return {name: hashlib.sha256(data).hexdigest() for name, data in found.items() if data and "-shm" not in name}
