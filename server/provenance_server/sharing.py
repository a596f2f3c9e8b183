"""Share what a page may cost among its rows: a row that needs less leaves the rest to the others."""

from __future__ import annotations

from collections.abc import Sequence


def largest_share(needs: Sequence[int], room: int) -> int:
    """Return the largest cost a row may have so that all rows together cost at most `room`.

    Args:
        needs: What each row would cost in full.
        room: What all may cost; where it is less than nothing, so is the share.
    """
    left = room
    for position, need in enumerate(sorted(needs)):
        share = left // (len(needs) - position)
        if need > share:
            return share
        left -= need
    return max(needs, default=0)
