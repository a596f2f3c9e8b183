"""Bugsink, set up as its documentation says for one server, in an environment of its own.

Changed for the measurement only: plain HTTP, the host 127.0.0.1, no calls home, quotas of 100,000,000 events, and a
retention of 1,000,000 events. What is installed and migrated is kept in a folder and used again.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.databases import SqliteFile
from benchmarks.ingest.load import Target
from benchmarks.ingest.subjects import Subject
from benchmarks.machine import stop, wait_until

WORKERS = 2
START_SECONDS = 60
_DATABASES = ("db.sqlite3", "snappea.sqlite3")
_CHANGES = """
# Changed for the measurement.
BUGSINK["BASE_URL"] = "http://127.0.0.1:{port}"
BUGSINK["PHONEHOME"] = False
for _span in ("5_MINUTES", "HOUR", "MONTH"):
    BUGSINK["MAX_EVENTS_PER_" + _span] = BUGSINK["MAX_EVENTS_PER_PROJECT_PER_" + _span] = 100_000_000
SECURE_PROXY_SSL_HEADER = None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = USE_X_REAL_IP = False
ALLOWED_HOSTS = ["127.0.0.1"]
"""
_PROJECT = """
import json
from projects.models import Project
from teams.models import Team
project = Project.objects.create(
    team=Team.objects.create(name="bench"), name="bench", slug="bench", retention_max_event_count=1_000_000
)
print("PROJECT " + json.dumps({"project": str(project.id), "key": project.sentry_key.hex}))
"""


def default_folder() -> Path:
    """Return where Bugsink is installed unless told otherwise: the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "provenance-bench" / "bugsink"


class Installation:
    """An installed Bugsink, with empty databases to copy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.programs = self.folder / "venv" / "bin"
        self.empty = self.folder / "empty"
        self._made = self.folder / "project.json"

    def make(self) -> dict[str, str]:
        """Install and migrate what is not there yet, and return the project and the version."""
        if not self._made.exists():
            print(f"Installing Bugsink into {self.folder}; this is done once.", file=sys.stderr, flush=True)
            self._install()
        return json.loads(self._made.read_text(encoding="utf-8"))

    def _install(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.programs / "bugsink-manage").exists():
            subprocess.run([sys.executable, "-m", "venv", self.folder / "venv"], check=True)
            self._run("pip", "install", "--quiet", "bugsink", cwd=self.folder)
        shutil.rmtree(self.empty, ignore_errors=True)
        self.empty.mkdir()
        self.configure(self.empty, 0)
        self._run("bugsink-manage", "migrate")
        self._run("bugsink-manage", "migrate", "snappea", "--database=snappea")
        printed = self._run("bugsink-manage", "shell", "-c", _PROJECT)
        project: dict[str, str] = json.loads(printed.partition("PROJECT ")[2].splitlines()[0])
        versions: list[dict[str, Any]] = json.loads(self._run("pip", "list", "--format=json"))
        project["version"] = next(found["version"] for found in versions if found["name"].lower() == "bugsink")
        for name in _DATABASES:
            SqliteFile(self.empty / name).stored_bytes()
        self._made.write_text(json.dumps(project), encoding="utf-8")

    def configure(self, base: Path, port: int) -> None:
        """Write the configuration of a server whose files are in a folder."""
        self._run("bugsink-create-conf", "--template=singleserver", "--host=127.0.0.1", f"--base-dir={base}", cwd=base)
        with (base / "bugsink_conf.py").open("a", encoding="utf-8") as conf:
            conf.write(_CHANGES.format(port=port))

    def _run(self, program: str, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [self.programs / program, *arguments], cwd=cwd or self.empty, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{program} {' '.join(arguments[:2])} failed.\n{done.stdout}{done.stderr}")
        return done.stdout


class Bugsink(Subject):
    """Bugsink with gunicorn and its own worker; every start is on a copy of the empty databases."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._installation = Installation(folder)
        self._project = self._installation.make()
        self.name = f"bugsink {self._project['version']}"
        self._database = SqliteFile(self.home / "db.sqlite3")
        self._processes: list[subprocess.Popen[str]] = []

    def start(self) -> None:
        for name in _DATABASES:
            shutil.copy(self._installation.empty / name, self.home / name)
        port = _free_port()
        self._installation.configure(self.home, port)
        serve = ["gunicorn", f"--bind=127.0.0.1:{port}", f"--workers={WORKERS}", "--timeout=30", "bugsink.wsgi"]
        for command in (serve, ["bugsink-runsnappea"]):
            self._processes.append(self._run(command))
        self.pids = [process.pid for process in self._processes]
        self.target = Target(f"http://127.0.0.1:{port}", self._project["project"], self._project["key"])
        wait_until(self._ready, START_SECONDS, f"Bugsink; its logs are in {self.home}")

    def _run(self, command: list[str]) -> subprocess.Popen[str]:
        program, *arguments = command
        with (self.home / f"{program}.log").open("w") as log:
            return subprocess.Popen(
                [self._installation.programs / program, *arguments],
                cwd=self.home,
                env={**os.environ, "PYTHONPATH": str(self.home)},
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def _ready(self) -> bool:
        """Say whether it answers that it is ready.

        Raises:
            SystemExit: One of its processes has ended.
        """
        if any(process.poll() is not None for process in self._processes):
            logs = "".join(path.read_text()[-2_000:] for path in self.home.glob("*.log"))
            raise SystemExit(f"Bugsink did not start.\n{logs}")
        try:
            with urllib.request.urlopen(f"{self.target.url}/health/ready", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def visible(self) -> int:
        return self._database.number("select sum(digested_event_count) from projects_project")

    def stop(self) -> None:
        for process in reversed(self._processes):
            stop(process)
        self._processes.clear()

    def stored_bytes(self) -> int:
        empty = (self._installation.empty / "db.sqlite3").stat().st_size
        return self._database.stored_bytes() - empty


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
