"""A model of the contract in plain Python and the store do the same, whatever two writers do in whatever order."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.examples import examples
from tests.factory import TESTER
from tests.storage.conftest import HeldClock, new_error
from tests.stores import Kind, new_database_url

from provenance_core.errors import Conflict, InvalidInput, NotFound
from provenance_core.lifecycle import MOVES, Status
from provenance_core.origins import OriginConfig
from provenance_storage.issues import StatusRequest
from provenance_storage.store import Store

PRINTS = ["a", "b"]
RELEASES = ["1.0.0", "1.1.0", "2.0.0"]


@dataclass
class Expected:
    """An issue as the contract says it must be."""

    status: Status = Status.OPEN
    resolved_in: str | None = None
    events: int = 0
    regressions: int = 0
    changes: int = 0
    resolves: int = 0
    releases: set[str] = field(default_factory=set[str])


class TwoWriters(RuleBasedStateMachine):
    """Send events and ask for changes through two stores on one database."""

    kind: ClassVar[Kind] = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()

    @initialize()
    def open(self) -> None:
        folder = Path(self.opened.enter_context(tempfile.TemporaryDirectory()))
        url = self.opened.enter_context(new_database_url(self.kind, folder))
        self.clock = HeldClock()
        self.stores = [Store.open(url, self.clock), Store.open(url, self.clock)]
        for store in self.stores:
            self.opened.callback(store.close)
        self.origin = self.stores[0].origins.create("app", "App", None, OriginConfig())
        self.issues: dict[str, Expected] = {}
        self.seen: set[str] = set()
        self.known: list[str] = []

    def teardown(self) -> None:
        self.opened.close()

    @rule(
        writer=st.integers(0, 1),
        fingerprint=st.sampled_from(PRINTS),
        release=st.sampled_from([None, *RELEASES]),
        event_id=st.sampled_from([None, "e1", "e2", "e3"]),
        step=st.integers(-5, 5),
    )
    def event(self, writer: int, fingerprint: str, release: str | None, event_id: str | None, step: int) -> None:
        self.clock.now += step
        new = new_error(self.origin, fingerprint, release=release, event_id=event_id)
        outcome = self.stores[writer].record([new])[0]
        assert outcome.duplicate is (event_id in self.seen)
        if event_id in self.seen:
            return
        if event_id is not None:
            self.seen.add(event_id)
        if release is not None and release not in self.known:
            self.known.append(release)
        expected = self.issues.setdefault(fingerprint, Expected())
        regressing = expected.resolved_in is None or release not in {None, expected.resolved_in}
        if expected.status is Status.RESOLVED and regressing:
            expected.status = Status.REGRESSED
            expected.regressions += 1
            expected.changes += 1
        expected.events += 1
        expected.releases |= {release} if release else set()

    @rule(
        writer=st.integers(0, 1),
        fingerprint=st.sampled_from(PRINTS),
        status=st.sampled_from(list(Status)),
        release=st.sampled_from([None, None, *RELEASES]),
    )
    def ask(self, writer: int, fingerprint: str, status: Status, release: str | None) -> None:
        number = list(self.issues).index(fingerprint) + 1 if fingerprint in self.issues else 9
        request = StatusRequest(status, release, None, TESTER)
        expected = self.issues.get(fingerprint)
        try:
            changed = self.stores[writer].issues.change_status(f"app-{number}", request).changed
        except NotFound:
            assert expected is None or (release is not None and release not in self.known)
            return
        except InvalidInput:
            assert release is not None
            assert status is not Status.RESOLVED
            return
        except Conflict:
            assert expected is not None
            assert status not in MOVES[expected.status]
            return
        assert expected is not None
        same = status is expected.status and release in {None, expected.resolved_in}
        assert changed is not same
        if changed:
            assert status in MOVES[expected.status]
            expected.status = status
            expected.changes += 1
            expected.resolves += int(status is Status.RESOLVED)
            newest = max(self.known) if self.known else None
            expected.resolved_in = (release or newest) if status is Status.RESOLVED else None

    @invariant()
    def store_and_model_agree(self) -> None:
        for number, expected in enumerate(getattr(self, "issues", {}).values(), 1):
            for store in self.stores:
                issue = store.issues.find(f"app-{number}")
                history = store.issues.history(issue)
                releases = self.stores[0].releases.by_ids(
                    self.origin.id, [met.release_id for met in store.issues.releases(issue)]
                )
                assert (issue.status, issue.event_count) == (expected.status, expected.events)
                assert issue.regression_count == expected.regressions
                assert len(history) == expected.changes
                assert {release.version for release in releases.values()} == expected.releases
                assert sum(store.issues.hours(issue, 0).values()) == expected.events
                assert [change.changed_at for change in history] == sorted(change.changed_at for change in history)
                resolves = sum(1 for change in history if change.to_status is Status.RESOLVED)
                assert resolves == expected.resolves


class TwoWritersOnPostgresql(TwoWriters):
    """The same on a database server."""

    kind = "postgresql"


_SETTINGS = settings(
    max_examples=examples(30, thorough=60),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
)
TestTwoWriters = TwoWriters.TestCase
TestTwoWriters.settings = _SETTINGS
TestTwoWritersOnPostgresql = TwoWritersOnPostgresql.TestCase
TestTwoWritersOnPostgresql.settings = settings(_SETTINGS, max_examples=_SETTINGS.max_examples // 2)
