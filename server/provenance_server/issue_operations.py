"""Operations on issues: list them, read one, list its events, change the status."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from provenance_core.clean import quoted
from provenance_core.errors import NotFound
from provenance_core.events import Event, Trust, is_matched, matched_frames
from provenance_core.ids import parse_uuid
from provenance_core.listing import Order
from provenance_core.moments import format_moment, parse_moment
from provenance_core.normalize import resolved_again
from provenance_server import answers, views
from provenance_server.arguments import GetIssue, Least, ListEvents, ListIssues, UpdateStatus
from provenance_server.context import Context
from provenance_server.cursors import read_cursor, read_position, write_cursor
from provenance_server.operation import implements
from provenance_server.operations import (
    GET_ERROR_ISSUE,
    GET_ERROR_ISSUE_EVENTS,
    GET_ERROR_ISSUES,
    UPDATE_ERROR_ISSUE_STATUS,
)
from provenance_server.outliers import stands_out
from provenance_storage.counters import HOUR
from provenance_storage.issue_list import IssueFilters, IssueOrder
from provenance_storage.issue_trends import trend
from provenance_storage.issues import StatusRequest
from provenance_storage.records import InteractionRecord, IssueRecord, OriginRecord
from provenance_storage.store import Store
from provenance_storage.system import ACTION_IDS

HOURS_SHOWN = 168
TAGS_SHOWN = 40
TAG_VALUES_SHOWN = 5
RELEASES_SHOWN = 10
EVENTS_LOOKED_AT = 1_000
"""The newest events of an issue whose senders are counted. Ours."""

_LEAST = {None: Trust.REPORTED, Least.MATCHED: Trust.MATCHED, Least.AUTHENTICATED: Trust.AUTHENTICATED}
_ACTIONS = {identity: action for action, identity in ACTION_IDS.items()}


@implements(GET_ERROR_ISSUES)
def get_error_issues(context: Context, arguments: ListIssues) -> answers.IssueList:
    """List error issues, newest activity first, filtered and paged."""
    store = context.store
    position = read_cursor(arguments, arguments.cursor, 4)
    began = position[0][1] if position else store.clock()
    order = IssueOrder(
        sort=arguments.sort,
        descending=arguments.order is Order.DESC,
        watermark=position[0][0] if position else None,
        began=began,
        total=position[0][2] if position else 0,
        after=(position[0][3], position[1]) if position else None,
    )
    page = store.issues.list(_filters(context, arguments), order, arguments.limit)
    origins = views.origins_by_id(store, (row.origin_id for row in page.issues))
    releases = views.releases_of(store, page.issues)
    cursor = None
    if page.next_after is not None:
        cursor = write_cursor(arguments, (page.watermark, began, page.total, page.next_after[0]), page.next_after[1])
    trends = store.issues.trends(page.issues, store.clock() // HOUR)
    items = [views.issue(row, origins[row.origin_id], releases, trends[row.id]) for row in page.issues]
    return answers.IssueList(items=items, total=page.total, next_cursor=cursor)


def _filters(context: Context, arguments: ListIssues) -> IssueFilters:
    now = context.store.clock()
    origin_id = context.origin_id(arguments.origin)
    if arguments.release and arguments.cursor is None:  # a walk goes on though somebody deleted the release
        # Under a lockdown the difference to an empty list would tell which versions strangers reported.
        only_facts = context.access.lockdown
        context.store.releases.check_known(origin_id, arguments.release, registered_only=only_facts)
    return IssueFilters(
        origin_id=origin_id,
        statuses=arguments.status,
        levels=arguments.level,
        environment=arguments.environment or "",
        release=arguments.release or "",
        query=arguments.query or "",
        least=_least(context, arguments),
        since=parse_moment(arguments.since, now) if arguments.since else None,
        until=parse_moment(arguments.until, now) if arguments.until else None,
    )


def _least(context: Context, arguments: ListIssues) -> Trust:
    """Return how far it must be known where an issue comes from.

    Under a lockdown, what strangers reported is not looked through: which words find an issue would tell its text.
    """
    least = _LEAST[arguments.trust]
    words = arguments.query or arguments.environment or arguments.release
    return max(least, Trust.MATCHED) if context.access.lockdown and words else least


@implements(GET_ERROR_ISSUE)
def get_error_issue(context: Context, arguments: GetIssue) -> answers.IssueDetail:
    """Read one error issue: stack trace of one event, releases, tags, counts and history."""
    store = context.store
    row = context.issue(arguments.issue_id)
    origin = store.origins.all([row.origin_id])[0]
    event = _event(context, row, arguments.event)
    history = store.issues.history(row)
    met = store.issues.releases(row)[:RELEASES_SHOWN]
    releases = views.releases_of(store, [row])
    extra = {change.release_id for change in history} | {entry.release_id for entry in met}
    extra |= {event.release_id} if event is not None else set()
    releases |= store.releases.by_ids(row.origin_id, sorted(id_ for id_ in extra - releases.keys() if id_))
    now_hour = store.clock() // HOUR
    hours = store.issues.hours(row, now_hour - HOURS_SHOWN + 1)
    tags = store.issues.tags(row, TAGS_SHOWN, TAG_VALUES_SHOWN)
    listed = views.issue(row, origin, releases, trend(hours, now_hour))
    return answers.IssueDetail(
        **listed.model_dump(exclude={"reported"}),
        fingerprint_version=row.fingerprint_version,
        releases=[views.issue_release(entry, releases) for entry in met],
        history=[views.status_change(change, releases) for change in history],
        counts_per_hour=[views.hour_count(hour, count) for hour, count in hours.items()],
        stored_event_count=row.stored_count if row.stored_count != row.event_count else None,
        senders=_senders(store, row),
        event=_event_detail(context, origin, event, releases) if event is not None else None,
        reported=answers.ReportedDetail(
            **listed.reported.model_dump(),
            fingerprint=row.fingerprint,
            tags=[views.tag(found) for found in tags],
            stands_out=stands_out(store, row, tags),
        ),
    )


def _event(context: Context, issue: IssueRecord, which: str) -> InteractionRecord | None:
    """Return an event of an issue; the first or latest that is stored is None where none is any more.

    Under a lockdown it is the first or latest that may be shown.
    """
    store = context.store
    least = Trust.MATCHED if context.access.lockdown else Trust.REPORTED
    if which == "latest":
        return store.interactions.newest_of_issue(issue, least)
    if which == "first":
        return store.interactions.oldest_of_issue(issue, least)
    identity = parse_uuid(which)
    found = store.interactions.find(identity, [issue.origin_id]) if identity else None
    if found is None:
        senders = identity.hex if identity else which
        found = store.interactions.by_event_id(issue.origin_id, senders)
    if found is None or found.issue_id != issue.id:
        raise NotFound(f"The issue keeps no event {quoted(which)}. Use `latest`, `first`, or an id of its events.")
    return found


def _event_detail(
    context: Context, origin: OriginRecord, row: InteractionRecord, releases: views.Releases
) -> answers.EventDetail:
    """Return an event; what was recorded before its source maps were uploaded is resolved now."""
    reported: dict[str, Any] = orjson.loads(context.store.interactions.payload(row))["interaction"]
    resolve = context.source_maps.resolver(row.origin_id)
    if resolve is not None:
        reported, _ = resolved_again(reported, resolve, origin.config.error_tracking.scrub)
    event = Event.model_validate(reported)
    matched, frames = matched_frames(event)
    return answers.EventDetail(
        id=str(row.id),
        received_at=format_moment(row.received_at),
        action=_ACTIONS[row.action_id],
        via=row.via,
        matched=is_matched(event),
        frames=frames,
        frames_matched=matched,
        release=views.registered(releases, row.release_id),
        reported=event,
    )


def _senders(store: Store, issue: IssueRecord) -> answers.Senders | None:
    """Return from how many addresses the newest events came, or None where no address is known."""
    counts = store.interactions.by_sender(issue, EVENTS_LOOKED_AT)
    return answers.Senders(events=sum(counts), addresses=len(counts), most_from_one=counts[0]) if counts else None


@implements(GET_ERROR_ISSUE_EVENTS)
def get_error_issue_events(context: Context, arguments: ListEvents) -> answers.EventList:
    """List the events of one error issue, newest first."""
    store = context.store
    issue = context.issue(arguments.issue_id)
    after = read_position(arguments, arguments.cursor)
    rows = store.interactions.of_issue(issue, arguments.limit + 1, after)
    shown = rows[: arguments.limit]
    ids = {row.release_id for row in shown if row.release_id is not None}
    releases = store.releases.by_ids(issue.origin_id, sorted(ids))
    cursor = None
    if len(rows) > len(shown):
        cursor = write_cursor(arguments, (shown[-1].received_at,), shown[-1].id)
    items = [_event_summary(row, issue.id, releases) for row in shown]
    return answers.EventList(items=items, total=issue.stored_count, next_cursor=cursor)


def _event_summary(row: InteractionRecord, issue_id: UUID, releases: views.Releases) -> answers.EventSummary:
    return answers.EventSummary(
        id=str(row.id),
        issue_id=str(issue_id),
        received_at=format_moment(row.received_at),
        action=_ACTIONS[row.action_id],
        via=row.via,
        matched=row.matched,
        release=views.registered(releases, row.release_id),
        reported=answers.ReportedEventSummary(event_id=row.event_id, release=views.reported(releases, row.release_id)),
    )


@implements(UPDATE_ERROR_ISSUE_STATUS)
def update_error_issue_status(context: Context, arguments: UpdateStatus) -> answers.ChangedIssue:
    """Resolve, ignore, mute or reopen one error issue; asking again for the same is safe."""
    store = context.store
    request = StatusRequest(arguments.status, arguments.release, arguments.note, context.actor)
    outcome = store.issues.change_status(arguments.issue_id, request, context.origin_id(None))
    origin: OriginRecord = store.origins.all([outcome.issue.origin_id])[0]
    row = views.issue(outcome.issue, origin, views.releases_of(store, [outcome.issue]))
    return answers.ChangedIssue(
        **row.model_dump(exclude={"reported"}),
        reported=row.reported,
        previous_status=outcome.previous,
        changed=outcome.changed,
    )
