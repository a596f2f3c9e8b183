"""Subscriptions: tell clients of both eras which resources changed, whichever process changed them.

One watcher asks what happened to issues, only while somebody listens. It tells addresses and nothing else; who is told
reads again, with its own access.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup
from mcp.server.context import ServerRequestContext
from mcp.server.session import ServerSession
from mcp.server.subscriptions import ListenHandler, ResourceUpdated, ServerEvent
from mcp.types import SubscriptionFilter, SubscriptionsListenRequestParams, SubscriptionsListenResult

from provenance_core.errors import InvalidInput, NotFound, ProvenanceError, TooManyRequests
from provenance_core.lifecycle import ChangeKind, Status
from provenance_server.access_answers import ChangeList, IssueChange
from provenance_server.access_arguments import MOST_CHANGES
from provenance_server.callers import Caller, Doors
from provenance_server.faults import trace
from provenance_server.operations import GET_ORIGIN, LIST_CHANGES
from provenance_server.protocol_errors import protocol_error
from provenance_server.resources import ISSUES, RELEASES, SCHEME, address_of
from provenance_server.worker_threads import in_thread

QUIET_SECONDS = 5.0
MOST_LISTENERS = 256
MOST_ADDRESSES = 500

_READY_SECONDS = 5.0
_SEND_SECONDS = 5.0
_TOLD_KEPT = 4 * MOST_CHANGES

_log = logging.getLogger(__name__)

Topic = tuple[str, str]
"""A kind of resource and which one, in the form in which changes name it."""


@dataclass(eq=False, slots=True)
class Subscription:
    """What one client wants to hear of.

    Attributes:
        addresses: The URIs, as it wrote them, by what they are about.
        origin: The mnemonic of the only origin that it may hear of, if any.
        send: Tells it of a URI.
        told: When it was last told of each.
        waiting: Of what it is to be told when enough time went by.
    """

    addresses: dict[Topic, list[str]]
    origin: str | None
    send: Callable[[str], Awaitable[None]]
    told: dict[str, float] = field(default_factory=dict[str, float])
    waiting: set[str] = field(default_factory=set[str])


def changes_of(doors: Doors) -> Callable[[str | None], ChangeList]:
    """Return a function that asks what happened after a cursor, with the process's own access."""

    def ask(after: str | None) -> ChangeList:
        return doors.own_client().call(LIST_CHANGES, {"after": after} if after is not None else {})

    return ask


class Watcher:
    """Ask what happened, while somebody listens, and tell them.

    Args:
        ask: Returns what happened after a cursor; without one only the cursor of now. It is called in a worker thread.
        tasks: Where the watching runs.
        every: After how many seconds to ask again.
        clock: Tells seconds that never go back.
    """

    def __init__(
        self,
        ask: Callable[[str | None], ChangeList],
        tasks: TaskGroup,
        every: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._tasks = tasks
        self._clock = clock
        self._every = every
        self._subscriptions: set[Subscription] = set()
        self._sessions: dict[str, Subscription] = {}
        self._scope: anyio.CancelScope | None = None
        self._ready = anyio.Event()
        self._failing = False
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def add(self, subscription: Subscription) -> None:
        """Begin to tell a client; when this returns, nothing that happens from now on is missed.

        Raises:
            TooManyRequests: Too many listen already.
        """
        if len(self._subscriptions) >= MOST_LISTENERS:
            raise TooManyRequests("Too many clients listen already; end one of them, or ask again instead.")
        self._subscriptions.add(subscription)
        if self._scope is None:
            self._scope = anyio.CancelScope()
            self._ready = anyio.Event()
            self._tasks.start_soon(self._watch, self._scope, self._ready)
        with anyio.move_on_after(_READY_SECONDS):
            await self._ready.wait()

    def remove(self, subscription: Subscription) -> None:
        """Tell a client no more; when nobody listens, ask no more."""
        self._subscriptions.discard(subscription)
        if not self._subscriptions and self._scope is not None:
            self._scope.cancel()
            self._scope = None

    async def subscribe(self, uri: str, subscription: Subscription) -> None:
        """Begin to tell the session of the handshake era of one URI; asking again is safe.

        Raises:
            TooManyRequests: It subscribed to too many already.
        """
        if uri in self._sessions:
            return
        self._sessions[uri] = subscription
        try:
            await self.add(subscription)
        except BaseException:
            self._sessions.pop(uri, None)
            self.remove(subscription)
            raise

    def unsubscribe(self, uri: str) -> None:
        """Tell the session of the handshake era no more of a URI; asking again is safe."""
        subscription = self._sessions.pop(uri, None)
        if subscription is not None:
            self.remove(subscription)

    async def _watch(self, scope: anyio.CancelScope, ready: anyio.Event) -> None:
        cursor: str | None = None
        with scope:
            while True:
                cursor, full = await self._once(cursor)
                ready.set()
                if not full:
                    await anyio.sleep(self._every)

    async def _once(self, cursor: str | None) -> tuple[str | None, bool]:
        """Ask once and tell who listens; return where to go on, and whether there is more at once."""
        try:
            changes = await in_thread(lambda: self._ask(cursor))
        except InvalidInput:  # of a store that was restored from a backup meanwhile
            return None, False
        except Exception as error:  # noqa: BLE001  # whatever fails: who listens must hear again when it is over
            self._tell_failure(error)
            return cursor, False
        self._failing = False
        await self._tell([change for change in changes.items if self._is_fresh(change)])
        return changes.next_cursor, len(changes.items) >= MOST_CHANGES

    def _tell_failure(self, error: Exception) -> None:
        if not self._failing:
            why = error.message if isinstance(error, ProvenanceError) else "\n" + trace(error)
            _log.warning("What changes cannot be watched for now: %s", why)
        self._failing = True

    def _is_fresh(self, change: IssueChange) -> bool:
        """Say whether a change was not told yet: near a cursor, changes come twice."""
        if change.id in self._seen:
            return False
        self._seen[change.id] = None
        if len(self._seen) > _TOLD_KEPT:
            self._seen.popitem(last=False)
        return True

    async def _tell(self, changes: list[IssueChange]) -> None:
        now = self._clock()
        for subscription in list(self._subscriptions):
            for uri in _due(subscription, changes, now):
                await self._send(subscription, uri)

    async def _send(self, subscription: Subscription, uri: str) -> None:
        """Tell a client of a URI; one that is gone, or takes nothing any more, is forgotten."""
        try:
            with anyio.fail_after(_SEND_SECONDS):
                await subscription.send(uri)
        except Exception:  # noqa: BLE001  # however the connection ended: the others go on listening
            for known, session in list(self._sessions.items()):
                if session is subscription:
                    del self._sessions[known]
            self.remove(subscription)


def _due(subscription: Subscription, changes: list[IssueChange], now: float) -> list[str]:
    """Return of which URIs to tell now: of new issues and statuses at once, of mere events now and then."""
    at_once: set[str] = set()
    for change in changes:
        if subscription.origin not in (None, change.origin):
            continue
        for topic in _topics(change):
            uris = subscription.addresses.get(topic, ())
            (subscription.waiting if change.change is ChangeKind.EVENT else at_once).update(uris)
    quiet = {uri for uri in subscription.waiting if now - subscription.told.get(uri, -QUIET_SECONDS) >= QUIET_SECONDS}
    due = at_once | quiet
    subscription.waiting -= due
    subscription.told.update(dict.fromkeys(due, now))
    return sorted(due)


def _topics(change: IssueChange) -> list[Topic]:
    """Return what a change is about."""
    topics: list[Topic] = [(ISSUES, change.issue_id.casefold()), (ISSUES, change.short_id.casefold())]
    if change.change is not ChangeKind.EVENT:
        topics.append((ISSUES, ""))
    if change.change is ChangeKind.NEW or (change.change is ChangeKind.STATUS and change.status is Status.REGRESSED):
        topics.append((RELEASES, change.origin.casefold()))
    return topics


async def listen(
    watcher: Watcher,
    caller: Caller,
    context: ServerRequestContext[Any],
    params: SubscriptionsListenRequestParams,
) -> SubscriptionsListenResult:
    """Serve a `subscriptions/listen` request until its client goes away.

    Raises:
        ProvenanceError: The caller's origin is not there, or too much is asked for.
    """
    wanted = params.notifications.resource_subscriptions or []
    stream = _Stream(watcher, await _addresses(caller, wanted, strict=False), await _mnemonic(caller))
    ours = params.model_copy(update={"notifications": SubscriptionFilter(resource_subscriptions=wanted or None)})
    async with stream.watched():
        return await ListenHandler(stream)(context, ours)


async def subscribe(watcher: Watcher, caller: Caller, session: ServerSession, uri: str) -> None:
    """Serve a `resources/subscribe` request.

    Raises:
        MCPError: There is no such resource.
    """
    try:
        addresses = await _addresses(caller, [uri], strict=True)
        subscription = Subscription(addresses, await _mnemonic(caller), session.send_resource_updated)
        await watcher.subscribe(uri, subscription)
    except ProvenanceError as error:
        raise protocol_error(error, uri) from None


class _Stream:
    """The bus of one `subscriptions/listen` stream: the SDK asks it for events, and it asks the watcher."""

    def __init__(self, watcher: Watcher, addresses: dict[Topic, list[str]], origin: str | None) -> None:
        self._watcher = watcher
        self._listener: Callable[[ServerEvent], None] | None = None
        self._missed: list[str] = []
        self._subscription = Subscription(addresses, origin, self._send)

    @asynccontextmanager
    async def watched(self) -> AsyncGenerator[None]:
        """Watch from before the stream is acknowledged until it ends."""
        try:
            await self._watcher.add(self._subscription)
            yield
        finally:
            self._watcher.remove(self._subscription)

    async def _send(self, uri: str) -> None:
        if self._listener is None:
            self._missed.append(uri)
        else:
            self._listener(ResourceUpdated(uri))
            await anyio.lowlevel.checkpoint()

    async def publish(self, event: ServerEvent) -> None:
        """Publish nothing: only the watcher has something to tell."""

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Tell the SDK from now on, and what came in between."""
        self._listener = listener
        for uri in self._missed:
            listener(ResourceUpdated(uri))
        return lambda: self._watcher.remove(self._subscription)


async def _addresses(caller: Caller, uris: Iterable[str], *, strict: bool) -> dict[Topic, list[str]]:
    """Return URIs by what they are about.

    Args:
        caller: Who asks.
        uris: As the caller wrote them.
        strict: Whether one that names nothing is refused; else nobody ever hears of it.

    Raises:
        ProvenanceError: One is refused, or they are too many.
    """
    found: dict[Topic, list[str]] = {}
    distinct = list(dict.fromkeys(uris))
    if len(distinct) > MOST_ADDRESSES:
        raise InvalidInput(f"At most {MOST_ADDRESSES} resources; {SCHEME}{ISSUES} tells of every issue.")
    for uri in distinct:
        try:
            address = address_of(uri)
            which = address.reference
            if address.kind == RELEASES:
                which = await _mnemonic_of(caller, which)
        except NotFound:
            if strict:
                raise
            continue
        found.setdefault((address.kind, which.casefold()), []).append(uri)
    return found


async def _mnemonic(caller: Caller) -> str | None:
    """Return the mnemonic of the only origin that a caller may see, if there is such a bound."""
    return await _mnemonic_of(caller, caller.access.origin) if caller.access.origin is not None else None


async def _mnemonic_of(caller: Caller, origin: str) -> str:
    def ask() -> str:
        return caller.open_client().call(GET_ORIGIN, {"id": origin}).mnemonic

    return await in_thread(ask)
