"""Words for numbers of things."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return how many of a thing there are."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
