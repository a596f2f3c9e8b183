"""A command line on a real store of its own: a new file, or where a test reports something a store of each kind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provenance_cli.main import main
from provenance_core.events import Via
from provenance_core.origins import OriginConfig
from provenance_server.ingest import InteractionFields, from_payload
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

CRASH = {
    "errorType": "ValueError",
    "message": "no price",
    "handled": False,
    "release": "1.0.0",
    "environment": "production",
    "tags": {"region": "eu"},
    "user": {"id": "u1"},
    "request": {"method": "POST", "url": "https://shop.example/pay", "headers": {"accept": "text/html"}},
    "contexts": {"os": {"name": "Linux", "version": "6.1"}},
    "extra": {"cart": {"items": 3}},
    "breadcrumbs": [{"category": "ui", "message": f"click {number}"} for number in range(8)],
    "frames": [
        {
            "file": "shop/cart.py",
            "function": "total",
            "line": 41,
            "inApp": True,
            "preContext": ["def total(cart):"],
            "contextLine": "    return price(cart)",
            "postContext": [""],
        },
        {"file": "flask/app.py", "function": "dispatch", "line": 9, "inApp": False},
    ],
}


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the settings at a folder of the test's own."""
    for name in list(os.environ):
        if name.startswith("PROVENANCE_"):
            monkeypatch.delenv(name)
    path = tmp_path / "config" / "config.json"
    monkeypatch.setenv("PROVENANCE_CONFIG", str(path))
    monkeypatch.setenv("PROVENANCE_DATABASE_URL", f"sqlite:///{tmp_path / 'store.sqlite3'}")
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> Outcome:
        capsys.readouterr()
        code = main(words)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def store(config: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("PROVENANCE_DATABASE_URL", url)
    store = Store.open(url)
    yield store
    store.close()


@pytest.fixture
def origin(store: Store) -> OriginRecord:
    return store.origins.create("my-app", "My app", None, OriginConfig())


@pytest.fixture
def report(store: Store, origin: OriginRecord) -> Callable[..., None]:
    """Report an event like the crash above, with some of it changed."""

    def record(**changes: Any) -> None:
        store.record([from_payload(origin, {**CRASH, **changes}, Via.LOCAL, InteractionFields())])

    return record


@pytest.fixture
def issues(report: Callable[..., None]) -> list[str]:
    """Report three issues, the first of them twice."""
    report()
    report()
    report(errorType="KeyError", message="cart", level="fatal", release="1.1.0")
    report(errorType="TypeError", message="late", level="warning", release=None, environment="test")
    return ["MY-APP-1", "MY-APP-2", "MY-APP-3"]
