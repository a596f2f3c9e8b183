"""What may change without another key, and what must not: real events of the corpus, changed at random."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.events import Event, Frame, Relation
from provenance_core.fingerprint import Basis, fingerprint
from provenance_core.normalize import normalize_interaction, normalize_sentry
from provenance_core.parameterise import error_codes, parameterise

PAIRS = Path(__file__).parent.parent / "data" / "pairs"


def corpus() -> list[Event]:
    events: list[Event] = []
    for path in sorted(PAIRS.glob("*.json")):
        for pair in json.loads(path.read_text(encoding="utf-8")):
            normalize = normalize_sentry if pair.get("format") == "sentry" else normalize_interaction
            events += [normalize(pair["a"]), normalize(pair["b"])]
    return events


CORPUS = corpus()
BY_STACK = [event for event in CORPUS if fingerprint(event).basis is Basis.STACK]
NAMED = [event for event in BY_STACK if event.error_type and len(event.error_type) > 2 and not event.synthetic]
PLAIN = [
    event
    for event in NAMED
    if event.platform in ("python", "java", "php", "csharp", "node")
    and any(frame.in_app for frame in event.frames)
    and not any(cause.relation is Relation.MEMBER for cause in event.causes)
    and not any(kind == "recursion" for kind, *_ in fingerprint(event).components)
]


def with_frames(event: Event, change: Callable[[Frame], dict[str, Any]]) -> Event:
    """Return the event with every frame of its chain changed."""

    def changed(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        return tuple(frame.model_copy(update=change(frame)) for frame in frames)

    causes = tuple(cause.model_copy(update={"frames": changed(cause.frames)}) for cause in event.causes)
    return event.model_copy(update={"frames": changed(event.frames), "causes": causes})


@given(st.sampled_from(CORPUS), st.integers(1, 10**6), st.integers(1, 10**6))
def test_moved_lines_keep_the_key(event: Event, line: int, column: int) -> None:
    moved = with_frames(event, lambda frame: {"line": (frame.line or 0) + line, "column": column})

    assert fingerprint(moved).key == fingerprint(event).key


@given(st.sampled_from(BY_STACK), st.text(st.sampled_from("0123456789abcdef"), min_size=8, max_size=8))
def test_another_build_hash_keeps_the_key(event: Event, digits: str) -> None:
    old, new = "4f3a2b1c", digits if re.search(r"\d", digits) else digits[:-1] + "7"

    def hashed(frame: Frame, value: str) -> dict[str, Any]:
        path = frame.file or ""
        name, dot, ending = path.rpartition(".")
        return {"file": f"{name}.{value}{dot}{ending}"} if ending == "js" and "hash" not in path else {}

    one, two = (with_frames(event, lambda frame, value=value: hashed(frame, value)) for value in (old, new))

    assert fingerprint(one).key == fingerprint(two).key


ROOTS = ("/srv/app", "/home/ann/code/shop", "/var/www/releases/20261123101112", "C:\\work\\shop", "/opt/shop")


@given(
    st.sampled_from(("orders.py", "order_service.rb", "Order.php", "orders.js")), st.sampled_from(ROOTS), st.integers()
)
def test_another_installation_folder_keeps_the_key(name: str, root: str, number: int) -> None:
    def raised(folder: str) -> str:
        frames = (Frame(file=f"{folder}/lib/{name}", function="load_order", line=abs(number), in_app=True),)
        return fingerprint(Event(error_type="E", platform="node", frames=frames)).key

    assert raised(root) == raised("/build")


TEMPLATES = (
    "order {} of user {} not found",
    "timeout after {} at {}",
    "cannot read {} ({})",
    "lost {}, kept {}",
    'payload {{"id": {}, "at": "{}"}}',
)
DATA = (
    st.integers(0, 10**9).map(str)
    | st.uuids().map(str)
    | st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z")
    | st.ip_addresses(v=4).map(str)
    | st.integers(0, 2**64).map(hex)
)
KINDS = (
    st.integers(0, 10**9).map(str),
    st.uuids().map(str),
    st.dates().map(lambda day: f"{day.isoformat()}T10:11:12Z"),
    st.ip_addresses(v=4).map(str),
    st.integers(0, 2**64).map(hex),
)


@given(st.sampled_from(TEMPLATES), st.sampled_from(KINDS), st.data())
def test_other_data_of_one_kind_in_a_message_keeps_the_key(
    template: str, kind: st.SearchStrategy[str], data: st.DataObject
) -> None:
    one, two = (template.format(data.draw(kind), data.draw(kind)) for _ in range(2))

    assert parameterise(one) == parameterise(two)
    assert fingerprint(Event(error_type="E", message=one)).key == fingerprint(Event(error_type="E", message=two)).key


@given(st.sampled_from(BY_STACK), st.sampled_from(TEMPLATES), DATA, DATA)
def test_another_message_without_a_code_keeps_the_key_of_a_stack(
    event: Event, template: str, one: str, two: str
) -> None:
    quiet = event.model_copy(update={"message": "plain", "error_type": "Custom"})
    told = event.model_copy(update={"message": template.format(one, two), "error_type": "Custom"})

    assert fingerprint(told).key == fingerprint(quiet).key


@given(st.sampled_from(NAMED), st.from_regex(r"[A-Z][a-z]{3,10}Error", fullmatch=True))
def test_another_type_changes_the_key(event: Event, name: str) -> None:
    errors = [event.error_type, *(cause.error_type for cause in event.causes)]
    other = event.model_copy(update={"error_type": name})

    if name not in errors and not (event.error_type or "").endswith(("Group", "AggregateError", "AggregateException")):
        assert fingerprint(other).key != fingerprint(event).key


@given(st.sampled_from(PLAIN), st.from_regex(r"[a-z]{4,10}_[a-z]{4,10}", fullmatch=True))
def test_another_function_of_the_application_changes_the_key(event: Event, name: str) -> None:
    index = next(index for index, frame in enumerate(event.frames) if frame.in_app)
    frames = list(event.frames)
    frames[index] = frames[index].model_copy(update={"file": "shop/other.xyz", "module": None, "function": name})

    assert fingerprint(event.model_copy(update={"frames": tuple(frames)})).key != fingerprint(event).key


@given(st.text(max_size=3_000))
def test_codes_are_few_and_short(message: str) -> None:
    codes = error_codes(message)

    assert len(codes) <= 3
    assert all(len(code) <= 40 for code in codes)


HOSTILE = (
    "a:",
    "1",
    "(",
    "[",
    "{'a': ",
    '"a":"',
    "status ",
    "0x",
    "E",
    "::",
    "P1",
    "values (",
    "::<",
    "<<<",
    "$$",
    "1s",
)


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_bounded_whatever_is_repeated(unit: str) -> None:
    text = (unit * 4_000)[:4_000]
    frames = tuple(
        Frame(file=f"{text}{number}.{ending}", function=text, module=text, in_app=True, context_line=text)
        for number, ending in enumerate(("py", "js", "rs", "cs", "java", "rb", "go", "php"))
    )
    started = time.perf_counter()
    found = fingerprint(Event(error_type=text[:256], message=text, frames=frames))
    parameterise(text)

    assert time.perf_counter() - started < 1
    assert len(found.key) == 32
