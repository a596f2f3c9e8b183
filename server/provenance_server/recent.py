"""Remember what was used last, up to a number of things."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Recent(Generic[_Key, _Value]):
    """Remember values by their keys; where threads share it, the caller holds a lock.

    Args:
        most: How many are remembered: those used last.
        clock: Seconds that never go back.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[_Key, tuple[_Value, float | None]] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        """Return the value of a key, or None where it is not remembered."""
        found = self._kept.get(key)
        if found is None:
            return None
        value, ends = found
        if ends is not None and self._clock() >= ends:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return value

    def put(self, key: _Key, value: _Value, seconds: float | None = None) -> None:
        """Remember the value of a key; for some seconds only, where they are given."""
        self._kept[key] = value, None if seconds is None else self._clock() + seconds
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def drop(self, is_wanted: Callable[[_Key, _Value], bool]) -> None:
        """Forget what a function says true of."""
        for key in [key for key, (value, _) in self._kept.items() if is_wanted(key, value)]:
            del self._kept[key]
