"""How lists of issues are ordered."""

from __future__ import annotations

from enum import StrEnum


class Sort(StrEnum):
    """Name what a list of issues is ordered by."""

    LAST_SEEN = "lastSeen"
    FIRST_SEEN = "firstSeen"
    EVENT_COUNT = "eventCount"
    USER_COUNT = "userCount"


class Order(StrEnum):
    """Name the direction of a list."""

    DESC = "desc"
    ASC = "asc"
