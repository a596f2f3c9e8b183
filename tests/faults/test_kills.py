"""What was acknowledged is there after processes were killed, and was counted once."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest
from tests.examples import examples
from tests.faults.law import conserved
from tests.faults.load import Load
from tests.faults.servers import Server, running
from tests.processes import Installation
from tests.stores import on_sqlite

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are another matter there")
ROUNDS = {"sqlite": examples(8, thorough=22), "postgresql": examples(4, thorough=6)}
MOST_EVENTS = 100
WITHOUT_CHILD = """
import sys
from provenance_cli.main import main
sys.executable = "/bin/false"
sys.exit(main(["serve", "--port", "0"]))
"""


def test_nothing_acknowledged_is_lost_when_processes_are_killed(machine: Installation, store_kind: str) -> None:
    chance = random.Random(store_kind)
    server = Server(machine)
    try:
        with Load(server.origin()) as load:
            load.aim(server.url)
            for number in range(ROUNDS[store_kind]):
                load.wait_for(chance.randint(1, MOST_EVENTS))
                if number % 2 == 0:
                    server.kill_writing_process()
                    continue
                if number % 4 == 1:
                    server.kill()
                else:
                    server.kill_both()
                server = Server(machine)
                load.aim(server.url)
            load.wait_for(MOST_EVENTS)
            load.stop()
        log = server.stop()
    finally:
        server.end()
    books = conserved(machine.store_url, load)

    assert load.refusals == []
    assert load.repeated > 0
    assert load.unanswered > 0
    assert len(books.counted) == load.issues
    assert "Traceback" not in log


def test_a_server_told_to_stop_answers_what_it_took(machine: Installation) -> None:
    with running(machine) as server, Load(server.origin()) as load:
        load.aim(server.url)
        load.wait_for(300)
        log = server.stop()
        taken = len(load.acknowledged)
        load.aim()
    books = conserved(machine.store_url, load)

    assert log == ""
    assert {refusal.status for refusal in load.refusals} <= {503}
    assert len(books.stored) == taken


@on_sqlite
def test_a_server_whose_writing_process_cannot_begin_says_so(machine: Installation) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_CHILD],
        env=machine.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "Error: The writing process ended before it could open the store.\n"
