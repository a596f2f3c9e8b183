"""The server as a program of its own, which the command becomes: what the command line needed is memory no more."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass

from provenance_http.exposure import is_private
from provenance_server.settings import Settings

_MALLOC = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "262144"}
"""Settings of glibc: without them each thread keeps memory of its own that is never given back."""


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """What `provenance serve` was asked for."""

    settings: Settings

    def run(self) -> int:
        """Serve until told to stop, and return the exit code.

        Raises:
            ProvenanceError: The server cannot be started.
        """
        from provenance_http.serve import serve  # noqa: PLC0415  # loads FastAPI and the store

        serve(self.settings, on_ready=_announce)
        return 0

    def replace_process(self) -> int:
        """Run in the place of this process, under its id; where that cannot be had, in it."""
        if os.name != "posix":
            return self.run()
        self._make_store()
        reading, writing = os.pipe()
        with os.fdopen(writing, "w") as pipe:  # a few hundred bytes, which it holds; an argument could be seen by all
            json.dump(self.settings.model_dump(), pipe)
        os.set_inheritable(reading, True)
        program = [sys.executable, "-P", "-m", "provenance_cli.server_program", str(reading)]
        return os.execve(program[0], program, {**_MALLOC, **os.environ})  # noqa: S606  # no shell is wanted

    def _make_store(self) -> None:
        """Make a store that is not there yet, if it may be served: what that takes is loaded once in its life."""
        if not is_private(self.settings.host, self.settings.public_url):
            return
        from provenance_storage.engine import sqlite_path  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none
        from provenance_storage.store import Store  # noqa: PLC0415  # loads SQLAlchemy; `--help` needs none

        path = sqlite_path(self.settings.database_url)
        if path is not None and not path.exists():
            Store.open(self.settings.database_url).close()


def _announce(url: str) -> None:
    with suppress(OSError, ValueError):  # whoever started it may not listen
        print(f"Provenance is ready: {url} (Ctrl-C stops it)", flush=True)


def _main(descriptor: int) -> int:
    from provenance_cli.main import guarded  # noqa: PLC0415  # a circle: it starts this program

    with os.fdopen(descriptor) as pipe:
        command = ServerCommand(Settings.model_validate(json.load(pipe)))
    return guarded(command.run, as_json=False)


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1])))
