"""Keep keys of the API, what everybody changed, and how far what was reported can be trusted."""

import secrets

import orjson
import sqlalchemy as sa
from alembic import op

from provenance_core.events import Event
from provenance_core.stacktrace import culprit, title
from provenance_storage import columns
from provenance_storage.payloads import decompress

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_keys()
    _create_activity()
    _count_trust()


def _create_keys() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", columns.UuidBytes(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("origin_id", columns.UuidBytes(), nullable=True),
        sa.Column("created_at", columns.Micros, nullable=False),
        sa.Column("last_used_at", columns.Micros, nullable=True),
        sa.Column("revoked_at", columns.Micros, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_key_hash")),
        sqlite_strict=True,
    )
    op.create_index("ix_api_key_prefix", "api_key", ["prefix"])
    stored = op.create_table(
        "store_secret",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_store_secret")),
        sqlite_strict=True,
    )
    op.bulk_insert(stored, [{"name": "sender", "value": secrets.token_bytes(32)}])


def _create_activity() -> None:
    op.add_column("status_change", sa.Column("client", sa.Text(), nullable=True))
    op.create_table(
        "activity",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("id", columns.UuidBytes(), nullable=False),
        sa.Column("at", columns.Micros, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_id", columns.UuidBytes(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=True),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("origin_id", "id", name=op.f("pk_activity")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_activity_subject", "activity", ["origin_id", "subject_id", "id"])
    op.execute(
        "insert into activity "
        "(origin_id, id, at, action, subject_id, actor_kind, actor_name, door, before, after, note) "
        "select origin_id, id, changed_at, 'issue.status', issue_id, "
        "case when actor = 'system' then 'system' else 'open' end, case when actor = 'system' then '' else actor end, "
        "'system', from_status, to_status, note from status_change"
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "create function activity_stays() returns trigger language plpgsql as "
            "$$ begin raise exception 'activity is append-only'; end $$"
        )
        op.execute(
            "create trigger activity_stays before update or delete on activity "
            "for each row execute function activity_stays()"
        )
        return
    for change in ("update", "delete"):
        op.execute(
            f"create trigger activity_no_{change} before {change} on activity "
            "begin select raise(abort, 'activity is append-only'); end"
        )


def _count_trust() -> None:
    op.add_column("interaction", sa.Column("matched", columns.Flag(), nullable=True))
    op.add_column("interaction", sa.Column("sender_hash", sa.LargeBinary(), nullable=True))
    for name in ("authenticated_count", "matched_count"):
        op.add_column("error_issue", sa.Column(name, columns.Count, nullable=False, server_default="0"))
    known = (
        "select count(*) from interaction as event where event.origin_id = error_issue.origin_id "
        "and event.issue_id = error_issue.id and event.via <> 'public'"
    )
    op.execute(f"update error_issue set authenticated_count = ({known})")
    _describe_by_who_is_known()


def _describe_by_who_is_known() -> None:
    """Let issues be described by events of somebody known, where one of nobody known was the last to do so."""
    connection = op.get_bind()
    issues = sa.table(
        "error_issue",
        sa.column("origin_id", columns.UuidBytes()),
        sa.column("id", columns.UuidBytes()),
        sa.column("last_event_id", columns.UuidBytes()),
        sa.column("authenticated_count"),
        sa.column("title"),
        sa.column("culprit"),
        sa.column("platform"),
    )
    events = sa.table(
        "interaction",
        sa.column("origin_id", columns.UuidBytes()),
        sa.column("id", columns.UuidBytes()),
        sa.column("issue_id", columns.UuidBytes()),
        sa.column("received_at"),
        sa.column("via"),
    )
    bodies = sa.table(
        "interaction_payload",
        sa.column("origin_id", columns.UuidBytes()),
        sa.column("received_at"),
        sa.column("id", columns.UuidBytes()),
        sa.column("body"),
    )
    known = sa.select(issues.c.origin_id, issues.c.id, issues.c.last_event_id).where(issues.c.authenticated_count > 0)
    for origin_id, issue_id, last_id in connection.execute(known).all():
        of_issue = (events.c.origin_id == origin_id) & (events.c.issue_id == issue_id)
        newest = (
            sa.select(events.c.received_at, events.c.id)
            .where(of_issue, events.c.via != "public")
            .order_by(events.c.received_at.desc())
            .limit(1)
        )
        received_at, event_id = connection.execute(newest).one()
        if event_id == last_id:
            continue
        same = (bodies.c.origin_id == origin_id) & (bodies.c.received_at == received_at) & (bodies.c.id == event_id)
        body = connection.execute(sa.select(bodies.c.body).where(same)).scalar_one()
        event = Event.model_validate(orjson.loads(decompress(body))["interaction"])
        described = {"title": title(event), "culprit": culprit(event), "platform": event.platform}
        one = (issues.c.origin_id == origin_id) & (issues.c.id == issue_id)
        connection.execute(sa.update(issues).where(one).values(described))


def downgrade() -> None:
    for name in ("authenticated_count", "matched_count"):
        op.drop_column("error_issue", name)
    op.drop_column("interaction", "sender_hash")
    op.drop_column("interaction", "matched")
    op.drop_table("activity")
    if op.get_context().dialect.name == "postgresql":
        op.execute("drop function activity_stays()")
    op.drop_column("status_change", "client")
    op.drop_table("store_secret")
    op.drop_table("api_key")
