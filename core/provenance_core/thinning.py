"""Choose which of many moments to leave out, so that the rest still tell how it went on."""

from __future__ import annotations

import heapq
from collections.abc import Sequence, Set


def thin(moments: Sequence[int], surplus: int, kept: Set[int] = frozenset()) -> list[int]:
    """Return the places of moments to leave out, in the order of leaving.

    Each time the one goes whose neighbours are closest to each other: a burst is thinned first, a moment that stands
    alone last. What stays lies evenly in time, and leaving out again later goes on from there: it takes from where most
    is left, and so the old is not eaten up by the new.

    Args:
        moments: Moments in ascending order; the first and the last always stay.
        surplus: How many to leave out; fewer are where no more may go.
        kept: Places that stay.
    """
    before = [place - 1 for place in range(len(moments))]
    after = [place + 1 for place in range(len(moments))]
    gap = {place: moments[place + 1] - moments[place - 1] for place in range(1, len(moments) - 1) if place not in kept}
    queue = [(width, place) for place, width in gap.items()]
    heapq.heapify(queue)
    left_out: list[int] = []
    while queue and len(left_out) < surplus:
        width, place = heapq.heappop(queue)
        if gap.get(place) != width:
            continue  # its neighbours have changed since; the newer entry comes later
        del gap[place]
        left_out.append(place)
        left, right = before[place], after[place]
        after[left], before[right] = right, left
        for neighbour in (left, right):
            if neighbour in gap:
                gap[neighbour] = moments[after[neighbour]] - moments[before[neighbour]]
                heapq.heappush(queue, (gap[neighbour], neighbour))
    return left_out
