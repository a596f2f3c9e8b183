"""A better algorithm splits no issue: the keys of the older ones are computed as well."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from provenance_core import fingerprint_v1
from provenance_core.events import ErrorValue, Event, Frame
from provenance_core.fingerprint import ALGORITHMS, Algorithm, Basis, Component, Strategy, fingerprint, fingerprints
from provenance_core.frame_roles import FrameRole


class Second:
    """An algorithm that looks at the type only."""

    VERSION = "pv2"

    def key_of(self, components: Sequence[Component]) -> str:
        return fingerprint_v1.key_of([(self.VERSION,), *components])

    def stack_components(self, event: Event) -> list[Component]:
        return [("type", event.error_type or "")]

    def message_components(self, event: Event) -> list[Component]:
        return [("message", event.message or "")]

    def stack_roles(self, event: Event) -> list[tuple[ErrorValue, list[FrameRole]]]:
        return fingerprint_v1.stack_roles(event)


ALL: tuple[Algorithm, ...] = (Second(), *ALGORITHMS)
EVENT = Event(error_type="E", message="m", frames=(Frame(file="a.py", function="f", in_app=True),))
OTHER = EVENT.model_copy(update={"frames": (Frame(file="b.py", function="g", in_app=True),)})


@pytest.mark.parametrize("strategy", list(Strategy))
def test_both_keys_are_computed_the_newest_first(strategy: Strategy) -> None:
    newest, older = fingerprints(EVENT, strategy, ALL)

    assert (newest.version, older.version) == ("pv2", "pv1")
    assert newest.key != older.key
    assert older == fingerprint(EVENT, strategy)


def test_each_version_groups_by_its_own_rule() -> None:
    newest, older = zip(fingerprints(EVENT, algorithms=ALL), fingerprints(OTHER, algorithms=ALL), strict=True)

    assert newest[0].key == newest[1].key
    assert older[0].key != older[1].key


@pytest.mark.parametrize("explicit", [("a",), ("a", "b")])
def test_an_explicit_fingerprint_decides_in_every_version(explicit: tuple[str, ...]) -> None:
    one, two = (
        fingerprints(event.model_copy(update={"fingerprint": explicit}), algorithms=ALL) for event in (EVENT, OTHER)
    )

    assert one == two
    assert {found.basis for found in one} == {Basis.EXPLICIT}
    assert len({found.key for found in one}) == 2


def test_an_extended_fingerprint_extends_the_key_of_its_version() -> None:
    one, two = (
        fingerprints(event.model_copy(update={"fingerprint": ("{{ default }}", "t")}), algorithms=ALL)
        for event in (EVENT, OTHER)
    )

    assert one[0].key == two[0].key
    assert one[1].key != two[1].key


def test_today_there_is_one_version() -> None:
    assert [algorithm.VERSION for algorithm in ALGORITHMS] == ["pv1"]
    assert fingerprints(EVENT) == (fingerprint(EVENT),)
