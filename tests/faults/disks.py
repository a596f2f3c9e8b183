"""Small disks and disks that cannot be written: mounted for a few processes only, in a namespace of their own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_SECONDS = 20
_WAYS = (["--user", "--map-root-user", "--mount"], ["--mount"])
"""A namespace anybody may have where the system allows it; one for root where it does not."""


@dataclass(frozen=True)
class Namespace:
    """Mounts that only processes begun with `command` see; every other file is the same for them."""

    command: list[str]

    def run(self, script: str, *words: str | Path) -> None:
        """Run a shell script there, with words as its arguments."""
        done = subprocess.run(
            [*self.command, "sh", "-ec", script, "sh", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def namespace() -> Generator[Namespace]:
    """Make a namespace; skip the test where none can be had."""
    for way in _WAYS if shutil.which("unshare") and shutil.which("nsenter") else ():
        words = [*way, "sh", "-ec", "mount -t tmpfs -o size=64k none /mnt; umount /mnt; echo made; read _"]
        holder = subprocess.Popen(["unshare", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            if holder.stdout.readline() == "made\n":
                user = ["--user", "--preserve-credentials"] if "--user" in way else []
                yield Namespace(["nsenter", "--target", str(holder.pid), *user, "--mount"])
                return
        finally:
            holder.stdin.close()
            holder.wait(_SECONDS)
            holder.stdout.close()
    pytest.skip("nobody may mount a file system here, not even in a namespace")
