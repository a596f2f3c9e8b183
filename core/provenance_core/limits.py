"""How much of an event is kept.

Lengths are characters unless named otherwise. Source, where nothing else is said: the event schema of Sentry's Relay
(`relay-event-schema/src/protocol`).
"""

from __future__ import annotations

MAX_EVENT_BYTES = 1024 * 1024
"""Bytes of an event as JSON, both as it is sent and as it is kept; what Relay takes."""
MAX_MARKS = 50
"""Paths kept in each list of marks; ours, so that marks stay a side note."""

ERROR_TYPE = 256
MESSAGE = 8192
MODULE = 256
MECHANISM = 128
STACK = 65_536
"""A raw stack; ours: more than 250 frames of 256 characters."""

TRANSACTION = 200
RELEASE = 200
DIST = 64
ENVIRONMENT = 64
LOGGER = 64
SERVER_NAME = 256
PLATFORM = 64
NAME = 256
"""Names and versions of runtimes and libraries, and what is told of a user."""
WORD = 64
"""A breadcrumb's type, category and level, and a request's method."""

MAX_FRAMES = 250
MAX_DETAILED_FRAMES = 50
"""Frames of a stack that keep their context lines and variables."""
MAX_CAUSES = 50
MAX_CAUSE_FRAMES = 500
"""Frames of all causes together; ours, as is the number of causes: Relay bounds each stack only."""
PATH = 1024
"""A frame's file and path; ours: Relay's 256 would cut addresses that source maps are found by."""
FUNCTION = 512
CONTEXT_LINE = 256
CONTEXT_LINES = 10
"""Lines on each side of a frame's own; ours: twice what SDKs send."""
VARS, VARS_DEPTH = 2048, 5

MAX_TAGS = 100
TAG = 200
"""A tag's name and its value."""
MAX_BREADCRUMBS = 100
CRUMB_DATA, CRUMB_DEPTH = 2048, 5
URL = 1024
"""A request's URL; ours: Relay's 256 cuts what tells two requests apart."""
QUERY = 1024
REQUEST_DATA, REQUEST_DEPTH = 8192, 7
HEADERS = 8192
MAX_CONTEXTS = 100
CONTEXT, CONTEXT_DEPTH = 8192, 7
EXTRA, EXTRA_VALUE, EXTRA_DEPTH = 262_144, 16_384, 7
BAG_KEY = 200
FREE_DEPTH = 64
"""Nesting of the content of an interaction that is no error; ours."""
EVENT_ID = 200
"""A client's own id of an event that is no UUID; ours."""
MAX_FINGERPRINT, FINGERPRINT = 32, 1024
MAX_DEBUG_IMAGES = 100
