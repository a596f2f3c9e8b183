"""Turn what the store gives into answers, with facts and reports apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from provenance_core.events import ErrorValue, Frame
from provenance_core.frame_roles import FrameRole, Role
from provenance_core.moments import format_moment
from provenance_server import answers, grouping_answers
from provenance_storage.counters import HOUR
from provenance_storage.records import (
    InteractionRecord,
    IssueRecord,
    IssueReleaseRecord,
    NamedRecord,
    OriginRecord,
    ReleaseRecord,
    ReleaseStatistics,
    StatusChangeRecord,
    TagRecord,
)
from provenance_storage.store import Store

Releases = dict[UUID, ReleaseRecord]


def short_id(origin: OriginRecord, issue: IssueRecord) -> str:
    """Return the id people say: the origin's mnemonic and the issue's number."""
    return f"{origin.mnemonic}-{issue.number}".upper()


def origins_by_id(store: Store, ids: Iterable[UUID]) -> dict[UUID, OriginRecord]:
    """Return the origins with the given ids."""
    wanted = set(ids)
    return {origin.id: origin for origin in store.origins.all(sorted(wanted))} if wanted else {}


def releases_of(store: Store, rows: Sequence[IssueRecord]) -> Releases:
    """Return every release that the rows of issues name."""
    found: Releases = {}
    for origin_id in {row.origin_id for row in rows}:
        ids: set[UUID | None] = set()
        for row in rows:
            if row.origin_id == origin_id:
                ids |= {row.first_release_id, row.last_release_id, row.resolved_release_id}
        found |= store.releases.by_ids(origin_id, sorted(id_ for id_ in ids if id_ is not None))
    return found


def registered(releases: Releases, release_id: UUID | None) -> str | None:
    """Return a release's version where an authenticated call registered it: a fact."""
    release = releases.get(release_id) if release_id else None
    return release.version if release and release.registered else None


def reported(releases: Releases, release_id: UUID | None) -> str | None:
    """Return a release's version where only events mention it: a report."""
    release = releases.get(release_id) if release_id else None
    return release.version if release and not release.registered else None


def issue(row: IssueRecord, origin: OriginRecord, releases: Releases, trend: Sequence[int] = ()) -> answers.Issue:
    """Return an issue as lists show it."""
    return answers.Issue(
        id=str(row.id),
        short_id=short_id(origin, row),
        origin=origin.mnemonic,
        status=row.status,
        event_count=row.event_count,
        user_count=row.user_count,
        first_seen=format_moment(row.first_seen),
        last_seen=format_moment(row.last_seen),
        status_changed_at=format_moment(row.status_changed_at),
        regression_count=row.regression_count,
        resolved_in=registered(releases, row.resolved_release_id),
        first_release=registered(releases, row.first_release_id),
        last_release=registered(releases, row.last_release_id),
        trust=answers.TrustCounts(authenticated=row.authenticated_count, matched=row.matched_count),
        trend=list(trend),
        reported=answers.ReportedIssue(
            title=row.title,
            culprit=row.culprit,
            level=row.level,
            handled=row.handled,
            platform=row.platform,
            first_release=reported(releases, row.first_release_id),
            last_release=reported(releases, row.last_release_id),
            resolved_in=reported(releases, row.resolved_release_id),
        ),
    )


def tag(row: TagRecord) -> answers.Tag:
    """Return how a tag is spread."""
    values = [answers.TagValue(value=value, event_count=count) for value, count in row.values.items()]
    return answers.Tag(key=row.key, event_count=row.event_count, values=values)


def hour_count(hour: int, count: int) -> answers.HourCount:
    """Return the events of an hour (hours since 1970)."""
    return answers.HourCount(hour=format_moment(hour * HOUR), event_count=count)


def issue_release(row: IssueReleaseRecord, releases: Releases) -> answers.IssueRelease:
    """Return how often an issue was met in one release."""
    return answers.IssueRelease(
        registered=releases[row.release_id].registered,
        version=registered(releases, row.release_id),
        event_count=row.event_count,
        first_seen=format_moment(row.first_seen),
        last_seen=format_moment(row.last_seen),
        reported=answers.ReportedVersion(version=reported(releases, row.release_id)),
    )


def status_change(row: StatusChangeRecord, releases: Releases) -> answers.StatusChange:
    """Return one entry of an issue's history."""
    return answers.StatusChange(
        at=format_moment(row.changed_at),
        actor=row.actor,
        client=row.client,
        from_status=row.from_status,
        to_status=row.to_status,
        release=registered(releases, row.release_id),
        note=row.note,
        event_id=str(row.event_id) if row.event_id else None,
        reported=answers.ReportedVersion(version=reported(releases, row.release_id)),
    )


def release(row: ReleaseRecord, origin: OriginRecord, statistics: ReleaseStatistics) -> answers.Release:
    """Return a release with what it did to issues and how many source maps it has."""
    return answers.Release(
        id=str(row.id),
        origin=origin.mnemonic,
        registered=row.registered,
        version=row.version if row.registered else None,
        ref=row.ref,
        url=row.url,
        notes=row.notes,
        date_released=format_moment(row.date_released) if row.date_released is not None else None,
        created_at=format_moment(row.created_at),
        new_issues=statistics.new_issues,
        regressed_issues=statistics.regressed_issues,
        total_issues=statistics.total_issues,
        source_maps=statistics.source_maps,
        reported=answers.ReportedVersion(version=None if row.registered else row.version),
    )


def origin(row: OriginRecord) -> answers.Origin:
    """Return an origin."""
    return answers.Origin(
        id=str(row.id),
        number=row.number,
        mnemonic=row.mnemonic,
        name=row.name,
        description=row.description,
        config=row.config,
        public_key=row.public_key,
        created_at=format_moment(row.created_at),
    )


def word(row: NamedRecord) -> answers.Word:
    """Return a resource type or an action."""
    return answers.Word(
        id=str(row.id),
        mnemonic=row.mnemonic,
        name=row.name,
        description=row.description,
        system=row.system,
        created_at=format_moment(row.created_at),
    )


def interaction(
    row: InteractionRecord, origins: dict[UUID, OriginRecord], words: dict[UUID, NamedRecord]
) -> answers.Interaction:
    """Return an interaction without what it carried."""
    return answers.Interaction(
        id=str(row.id),
        origin=origins[row.origin_id].mnemonic,
        resource_type=words[row.resource_type_id].mnemonic,
        action=words[row.action_id].mnemonic,
        via=row.via,
        matched=row.matched,
        received_at=format_moment(row.received_at),
        issue_id=str(row.issue_id) if row.issue_id else None,
        reported=answers.ReportedInteraction(
            event_id=row.event_id,
            resource_id=row.resource_id,
            external_reference=row.external_reference,
            uow_id=row.uow_id,
            user_id=row.user_id,
            span_id=row.span_id,
            parent_span_id=row.parent_span_id,
            interaction_timestamp=format_moment(row.interaction_at) if row.interaction_at is not None else None,
        ),
    )


def grouped_error(error: ErrorValue, roles: Sequence[FrameRole]) -> grouping_answers.GroupedError:
    """Return an exception with what its frames do for the key of its event."""
    return grouping_answers.GroupedError(
        error_type=error.error_type,
        frames=[_grouped_frame(frame, role) for frame, role in zip(error.frames, roles, strict=True)],
    )


def _grouped_frame(frame: Frame, found: FrameRole) -> grouping_answers.GroupedFrame:
    role, identity = found
    place, name = identity.key if identity is not None and role is Role.COUNTED else (None, None)
    return grouping_answers.GroupedFrame(
        role=role,
        file=frame.file,
        module=frame.module,
        function=frame.function,
        line=frame.line,
        place=place or None,
        name=name or None,
    )
