"""A clock that the test winds."""

from __future__ import annotations


class FakeClock:
    """Return the same second until the test lets time pass."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
