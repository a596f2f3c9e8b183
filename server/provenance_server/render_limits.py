"""How much of an issue and its event an answer shows: tokens for texts, numbers for what repeats.

A part is first shown generously. Where an answer costs more than it may, the limits are lowered step by step: what
stands around first, the root cause's message and the frame that matters last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from provenance_server.arguments import Detail

LIST_ROW = 125
"""Tokens of a list of issues for each row; of a short list, `LIST_LEAST` in all."""
LIST_LEAST = 500
RELEASE_ROW = 100
"""Tokens of a list of releases for each row; of a short list, `RELEASES_LEAST` in all."""
RELEASES_LEAST = 800
ORIGIN_ROW = 90
"""Tokens of the origins for each; of few of them, `ORIGINS_LEAST` in all."""
ORIGINS_LEAST = 500
CHANGED_ROW = 60
"""Tokens of an update for each issue, between the least and the most of all."""
CHANGED_LEAST = 400
CHANGED_MOST = 4_000
CREATED_RELEASE = 1_000
DETAIL = {Detail.CONCISE: 4_000, Detail.FULL: 12_000}
FACTS = {Detail.CONCISE: 1_500, Detail.FULL: 4_500}
"""What of that the server's own facts may cost: a report may never push them out, nor change how they are told."""


@dataclass(frozen=True, slots=True)
class StackLimits:
    """How much of a stack is shown.

    `message` and what follows it belong to the root cause and the frame that matters; `context` is the number of source
    lines before that frame's own, `context_after` of those after it, and `tokens` bounds the whole.
    """

    tokens: int
    exceptions: int
    frames: int
    place: int
    other_message: int
    message: int
    context: int
    context_after: int
    source: int
    variables: int
    frames_with_variables: int
    variable: int


@dataclass(frozen=True, slots=True)
class EventLimits:
    """How much of an event is shown, and of what events said of their issue."""

    stack: StackLimits
    title: int
    word: int
    request: int
    headers: int
    bag: int
    breadcrumbs: int
    breadcrumb: int
    tags: int
    tag_values: int
    tag: int
    stands_out: int


@dataclass(frozen=True, slots=True)
class FactLimits:
    """How much is shown of what the server itself knows."""

    releases: int
    history: int
    note: int
    word: int


EVENT = {
    Detail.CONCISE: EventLimits(
        stack=StackLimits(
            tokens=1_800,
            exceptions=5,
            frames=20,
            place=60,
            other_message=100,
            message=300,
            context=3,
            context_after=2,
            source=50,
            variables=12,
            frames_with_variables=1,
            variable=50,
        ),
        title=80,
        word=50,
        request=120,
        headers=0,
        bag=0,
        breadcrumbs=5,
        breadcrumb=50,
        tags=12,
        tag_values=3,
        tag=24,
        stands_out=5,
    ),
    Detail.FULL: EventLimits(
        stack=StackLimits(
            tokens=6_000,
            exceptions=10,
            frames=100,
            place=80,
            other_message=300,
            message=1_000,
            context=5,
            context_after=5,
            source=70,
            variables=25,
            frames_with_variables=4,
            variable=100,
        ),
        title=120,
        word=70,
        request=250,
        headers=20,
        bag=900,
        breadcrumbs=30,
        breadcrumb=90,
        tags=40,
        tag_values=5,
        tag=30,
        stands_out=10,
    ),
}
FACT = {
    Detail.CONCISE: FactLimits(releases=3, history=6, note=60, word=40),
    Detail.FULL: FactLimits(releases=10, history=30, note=200, word=60),
}

_STEPS = ((1.0, 1.0), (0.7, 1.0), (0.5, 1.0), (0.35, 1.0), (0.22, 0.8), (0.15, 0.6), (0.1, 0.4), (0.06, 0.25))
_LEAST_TOKENS = 16
_CENTRAL = frozenset(
    {"tokens", "message", "context", "context_after", "source", "variables", "variable", "frames_with_variables"}
)
_AROUND = frozenset({"exceptions", "frames", "headers", "breadcrumbs", "tags", "tag_values", "stands_out"})
_NUMBERS = _AROUND | {"context", "context_after", "variables", "frames_with_variables", "releases", "history"}


def event_steps(detail: Detail) -> Iterator[EventLimits]:
    """Yield the limits of an event, each step tighter than the one before."""
    whole = EVENT[detail]
    for around, central in _STEPS:
        changes = {name: _less(name, getattr(whole, name), around) for name in _names(whole) if name != "stack"}
        stack = {
            name: _less(name, getattr(whole.stack, name), central if name in _CENTRAL else around)
            for name in _names(whole.stack)
        }
        yield replace(whole, stack=replace(whole.stack, **stack), **changes)


def fact_steps(detail: Detail) -> Iterator[FactLimits]:
    """Yield the limits of facts, each step tighter than the one before."""
    whole = FACT[detail]
    for around, _ in _STEPS:
        yield replace(whole, **{name: _less(name, getattr(whole, name), around) for name in _names(whole)})


def _names(limits: EventLimits | StackLimits | FactLimits) -> list[str]:
    return [field.name for field in fields(limits)]


def _less(name: str, value: int, share: float) -> int:
    """Return a smaller limit; what is shown at all stays at one, and a text keeps room for a few words."""
    if name in _NUMBERS:
        return min(value, max(1, round(value * share)))
    return min(value, max(_LEAST_TOKENS, round(value * share)))
