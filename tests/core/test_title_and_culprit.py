from __future__ import annotations

import pytest

from provenance_core.events import Cause, Event, Frame
from provenance_core.stacktrace import culprit, title


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Event(error_type="ValueError", message="bad\nmore"), "ValueError: bad"),
        (Event(error_type="ValueError"), "ValueError"),
        (Event(message="\n  it   broke\n"), "it broke"),
        (Event(message_template="user %s"), "user %s"),
        (Event(error_type="Error", message="no answer", synthetic=True), "no answer"),
        (Event(stack="\nPANIC: x\n y"), "PANIC: x"),
        (Event(), "(no message)"),
    ],
)
def test_title_is_type_and_first_line(event: Event, expected: str) -> None:
    assert title(event) == expected


LIBRARY = Frame(file="lib.py", function="call")
APPLICATION = Frame(file="app.py", module="app", function="load", in_app=True)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Event(frames=(LIBRARY, APPLICATION)), "app in load"),
        (
            Event(
                frames=(LIBRARY,),
                causes=(Cause(frames=(LIBRARY,)), Cause(frames=(LIBRARY, APPLICATION))),
            ),
            "app in load",
        ),
        (Event(frames=(LIBRARY,), transaction="/orders"), "lib.py in call"),
        (Event(frames=(Frame(file="a.js", in_app=True),)), "a.js"),
        (Event(frames=(Frame(function="f"),)), "f"),
        (Event(transaction="/orders"), "/orders"),
        (Event(), None),
    ],
)
def test_culprit_is_the_applications_frame_nearest_the_crash(event: Event, expected: str | None) -> None:
    assert culprit(event) == expected


def test_labels_are_bounded() -> None:
    long = "x" * 5000
    event = Event(
        error_type=long,
        message=long,
        transaction=long,
        frames=(Frame(module=long, function=long),),
    )

    assert len(title(event)) == 200
    assert len(culprit(event) or "") == 200
    assert len(culprit(event.model_copy(update={"frames": ()})) or "") == 200
