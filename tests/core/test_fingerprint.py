from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.events import Cause, Event, Frame, Relation, User
from provenance_core.fingerprint import Basis, Fingerprint, Strategy, fingerprint
from provenance_core.stacktrace import parse_stack


def of_stack(stack: str, platform: str | None = None) -> Fingerprint:
    parsed = parse_stack(stack, platform)
    event = Event(
        error_type=parsed.error_type,
        message=parsed.message,
        frames=parsed.frames,
        causes=parsed.causes,
        platform=platform,
        stack=stack,
    )
    return fingerprint(event)


def test_parts_say_what_the_key_is_made_of() -> None:
    event = Event(
        error_type="ValueError",
        frames=(
            Frame(
                module="app.orders",
                function="load_orders",
                file="app/orders.py",
                in_app=True,
                context_line="  raise ValueError(x)",
            ),
            Frame(module="django.core", function="run", file="django/core.py"),
        ),
    )

    assert fingerprint(event).parts == (
        "type ValueError",
        "frame app.orders load_orders",
        "line raise ValueError(x)",
    )
    assert fingerprint(event).version == "pv1"


def test_key_of_version_one_never_changes() -> None:
    event = Event(
        error_type="ValueError",
        frames=(Frame(module="app.orders", function="load", file="app/orders.py", in_app=True),),
    )

    assert fingerprint(event).key == "d75f99fd9ab9822cd064349cdf95ee6c"
    assert fingerprint(Event(error_type="E", message="user 17")).key == "aa6b42efccbaf2f98f676c0109c73b1f"
    assert fingerprint(Event(fingerprint=("a", "b"))).key == "60f67640b539e8785edd87b1ee52d296"


def test_components_are_not_joined_by_a_separator() -> None:
    keys = {fingerprint(Event(fingerprint=values)).key for values in (("ab", "c"), ("a", "bc"), ("abc",), ("ab c",))}

    assert len(keys) == 4


def test_explicit_fingerprint_differs_from_the_computed_one_of_the_same_words() -> None:
    assert fingerprint(Event(fingerprint=("nothing",))).key != fingerprint(Event()).key


def test_explicit_fingerprint_is_bounded() -> None:
    long = fingerprint(Event(fingerprint=tuple("x" * 5000 for _ in range(500))))

    assert len(long.parts) <= 60
    assert all(len(part) <= 200 for part in long.parts)


def test_default_shows_what_it_stands_for() -> None:
    event = Event(error_type="E", message="m", fingerprint=("{{ default }}", "tenant"))

    assert fingerprint(event).parts == ("default", "type E", "message m", "explicit tenant")


@pytest.mark.parametrize("strategy", list(Strategy))
def test_explicit_fingerprint_wins_whatever_the_strategy(strategy: Strategy) -> None:
    event = Event(error_type="E", message="m", fingerprint=("a",))

    assert fingerprint(event, strategy).key == fingerprint(Event(fingerprint=("a",))).key


@pytest.mark.parametrize(
    ("event", "basis"),
    [
        (Event(error_type="E", frames=(Frame(file="a.py", function="f", in_app=True),)), Basis.STACK),
        (Event(error_type="E", message="m"), Basis.MESSAGE),
        (Event(error_type="E"), Basis.MESSAGE),
        (Event(), Basis.NOTHING),
        (Event(error_type="E", fingerprint=("a",)), Basis.EXPLICIT),
        (Event(error_type="E", fingerprint=("{{ default }}", "a")), Basis.EXTENDED),
        (Event(error_type="E", fingerprint=("{{ default }}",)), Basis.MESSAGE),
    ],
)
def test_basis_says_what_decided(event: Event, basis: Basis) -> None:
    assert fingerprint(event).basis is basis


def test_message_strategy_ignores_frames() -> None:
    one = Event(error_type="E", message="user 1", frames=(Frame(file="a.py", function="f", in_app=True),))
    two = Event(error_type="E", message="user 2")
    other = Event(error_type="E", message="order 2")

    assert fingerprint(one, Strategy.MESSAGE).key == fingerprint(two, Strategy.MESSAGE).key
    assert fingerprint(one, Strategy.MESSAGE).key != fingerprint(other, Strategy.MESSAGE).key


def test_custom_strategy_takes_the_stack_without_an_explicit_fingerprint() -> None:
    event = Event(error_type="E", frames=(Frame(file="a.py", function="f", in_app=True),))

    assert fingerprint(event, Strategy.CUSTOM) == fingerprint(event, Strategy.STACK)


def test_a_stack_that_is_not_understood_still_groups() -> None:
    one, two = of_stack("PANIC at 17 in worker 3"), of_stack("PANIC at 18 in worker 4")

    assert one.key == two.key
    assert one.key != of_stack("deadlock in worker 3").key


def test_engines_agree_on_a_plain_function() -> None:
    chrome = (
        "TypeError: x is null\n    at loadCart (https://a.example/app.js:10:5)\n    at https://a.example/app.js:20:1"
    )
    firefox = "TypeError: x is null\nloadCart@https://a.example/app.js:10:9\n@https://a.example/app.js:20:3\n"
    safari = "TypeError: x is null\nloadCart@https://a.example/app.js:10:5\nglobal code@https://a.example/app.js:20:1"

    assert len({of_stack(stack, "javascript").key for stack in (chrome, firefox, safari)}) == 1


def test_same_class_outside_and_inside_a_traceback_chain_differs() -> None:
    bare = 'Traceback (most recent call last):\n  File "/app/a.py", line 1, in f\n    g()\nKeyError: 1\n'
    chain = f"{bare}\nThe above exception was the direct cause of the following exception:\n\n{bare}"

    assert of_stack(bare).key != of_stack(chain).key


NAMES = st.text(min_size=1, max_size=30) | st.sampled_from(["load", "<lambda>", "t", "Object.<anonymous>"])
PATHS = st.text(max_size=40) | st.sampled_from(["app/a.py", "https://x.example/a.1f2e3d4c.js", "/app/index.js", "a.rb"])
LINES = st.none() | st.integers(1, 10**6)
FRAMES = st.lists(
    st.builds(
        Frame,
        file=st.none() | PATHS,
        function=st.none() | NAMES,
        module=st.none() | NAMES,
        line=LINES,
        in_app=st.booleans(),
        context_line=st.none() | st.text(max_size=150),
    ),
    max_size=8,
).map(tuple)
CAUSES = st.lists(
    st.builds(
        Cause,
        error_type=st.none() | st.sampled_from(["KeyError", "ExceptionGroup", "AggregateError"]),
        message=st.none() | st.text(max_size=20),
        frames=FRAMES,
        relation=st.sampled_from(Relation),
    ),
    max_size=4,
).map(tuple)
EVENTS = st.builds(
    Event,
    causes=CAUSES,
    message_template=st.none() | st.text(max_size=10),
    synthetic=st.booleans(),
    error_type=st.none() | NAMES,
    message=st.none() | st.text(max_size=80),
    frames=FRAMES,
    platform=st.sampled_from([None, "python", "javascript", "node", "java", "csharp", "go", "ruby", "php", "native"]),
    fingerprint=st.none() | st.lists(st.text(max_size=10), max_size=3).map(tuple),
)


@given(EVENTS, st.sampled_from(Strategy))
def test_key_is_deterministic_and_bounded(event: Event, strategy: Strategy) -> None:
    found = fingerprint(event, strategy)

    assert found == fingerprint(Event.model_validate(event.model_dump(by_alias=True)), strategy)
    assert re.fullmatch("[0-9a-f]{32}", found.key)
    assert len(found.parts) <= 60
    assert all(len(part) <= 200 for part in found.parts)


@given(EVENTS, st.integers(1, 500), st.integers(1, 500))
def test_key_survives_moved_lines(event: Event, lines: int, columns: int) -> None:
    frames = tuple(
        frame.model_copy(update={"line": (frame.line or 0) + lines, "column": columns}) for frame in event.frames
    )

    assert fingerprint(event.model_copy(update={"frames": frames})) == fingerprint(event)


@given(EVENTS, st.text(max_size=10))
def test_key_survives_other_circumstances(event: Event, text: str) -> None:
    other = event.model_copy(
        update={
            "release": text,
            "environment": text,
            "user": User(id=text),
            "tags": {"a": text},
            "transaction": text,
            "server_name": text,
            "event_id": text,
        }
    )

    assert fingerprint(other) == fingerprint(event)
