from typing import Any

import orjson
import pytest
from pydantic import ValidationError
from tests.samples import events

from provenance_core import limits
from provenance_core.errors import InvalidInput
from provenance_core.events import Event, FrameSource, Relation
from provenance_core.normalize import normalize_interaction, normalize_sentry


def written(event: Event) -> bytes:
    return event.model_dump_json(by_alias=True).encode()


def test_the_native_payload_is_read_in_either_spelling():
    camel = {
        "errorType": "E",
        "message": "m",
        "serverName": "web",
        "eventId": "f77e83e0557546acb1b31535e4f779b0",
        "frames": [{"file": "a.py", "absPath": "/a.py", "line": 3, "column": 4, "inApp": True, "contextLine": "x"}],
        "debugImages": [{"codeFile": "a.js", "debugId": "AB"}],
        "request": {"statusCode": 500, "url": "https://x/"},
        "causes": [{"errorType": "C", "relation": "context"}],
        "handled": False,
        "strange": 1,
    }
    snake = {
        "error_type": "E",
        "message": "m",
        "server_name": "web",
        "event_id": "f77e83e0557546acb1b31535e4f779b0",
        "frames": [{"file": "a.py", "abs_path": "/a.py", "line": 3, "column": 4, "in_app": True, "context_line": "x"}],
        "debug_images": [{"code_file": "a.js", "debug_id": "AB"}],
        "request": {"status_code": 500, "url": "https://x/"},
        "causes": [{"error_type": "C", "relation": "context"}],
        "handled": False,
        "strange": 1,
    }

    event = normalize_interaction(camel)

    assert event == normalize_interaction(snake)
    assert event.error_type == "E"
    assert event.frames[0].abs_path == "/a.py"
    assert event.causes[0].relation is Relation.CONTEXT
    assert event.extra == {"strange": 1}


def test_a_stack_alone_is_parsed():
    text = 'Traceback (most recent call last):\n  File "app.py", line 3, in main\n    go()\nValueError: no such order\n'

    event = normalize_interaction({"stack": text, "platform": "python"})

    assert event.error_type == "ValueError"
    assert event.message == "no such order"
    assert event.frames[0].line == 3
    assert event.stack == text


def test_frames_that_are_given_are_believed_over_the_stack():
    event = normalize_interaction(
        {"stack": "Error: x\n    at f (a.js:1:2)", "frames": [{"function": "g"}], "message": "y"}
    )

    assert [frame.function for frame in event.frames] == ["g"]
    assert event.message == "y"


def test_the_sender_sets_no_marks():
    event = normalize_interaction({"message": "m", "marks": {"repaired": 7}})

    assert event.marks.repaired == 0
    assert event.extra == {}


@pytest.mark.parametrize("name", events())
def test_an_event_read_again_is_the_same(name: str):
    event = normalize_sentry(events()[name])

    again = normalize_interaction(orjson.loads(written(event)))

    assert again.model_copy(update={"marks": event.marks}) == event


@pytest.mark.parametrize("raw", [None, [], "x", 7])
def test_what_is_no_object_is_refused(raw: Any):
    for normalize in (normalize_sentry, normalize_interaction):
        with pytest.raises(InvalidInput, match="must be a JSON object"):
            normalize(raw)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("F77E83E0-5574-6ACB-1B31-535E4F779B0A", "f77e83e055746acb1b31535e4f779b0a"),
        ("F77E83E055746ACB1B31535E4F779B0A", "f77e83e055746acb1b31535e4f779b0a"),
        ("order-17/retry-2", "order-17/retry-2"),
        ("Æ 1", "Æ 1"),
        ("a\x00b", "a\ufffdb"),
        (17, "17"),
        *((value, None) for value in ("", "  ", None, True, {}, ["a"], 1.5)),
    ],
)
def test_any_text_may_be_the_event_id_of_the_native_payload(sent: object, kept: str | None):
    assert normalize_interaction({"eventId": sent}).event_id == kept


def test_event_ids_that_are_too_long_stay_different():
    one, other = (normalize_interaction({"eventId": "x" * 300 + end}) for end in "ab")

    assert one.event_id is not None
    assert other.event_id is not None
    assert len(one.event_id) == len(other.event_id) == limits.EVENT_ID
    assert one.event_id != other.event_id
    assert one.marks.trimmed == {"eventId": 301}
    assert normalize_interaction({"eventId": one.event_id}).event_id == one.event_id


def test_sentry_event_ids_are_hexadecimal():
    assert normalize_sentry({"event_id": "order-17"}).event_id is None


@pytest.mark.parametrize("normalize", [normalize_sentry, normalize_interaction])
def test_nothing_inside_an_event_says_whose_word_its_source_is(normalize: Any):
    frame = {"function": "f", "source": "artifact", "vars": {"a": "1"}}
    native = {"frames": [frame], "causes": [{"frames": [frame]}], "source": "artifact"}
    sentry = {"exception": [{"type": "E", "stacktrace": {"frames": [frame]}}, {"stacktrace": {"frames": [frame]}}]}

    event = normalize(native | sentry)

    assert {frame.source for error in (event, *event.causes) for frame in error.frames} == {FrameSource.REPORTED}
    assert b'"source":"reported"' in written(event)
    assert "source" not in event.model_dump_json(exclude_defaults=True, exclude={"extra"})


def test_errors_of_validation_print_nothing_of_an_event():
    with pytest.raises(ValidationError) as caught:
        Event.model_validate({"message": ["hunter2"], "frames": [{"line": "hunter2"}]})

    assert "hunter2" not in str(caught.value)
