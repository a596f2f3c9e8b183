"""Count the events that are kept and the issues of a kind, index issues as lists walk through them, and let payloads be
dropped with their partition.
"""

import sqlalchemy as sa
from alembic import op

from provenance_storage import columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_issue_tag_value", table_name="issue_tag")
    op.add_column("error_issue", sa.Column("stored_count", columns.Count, nullable=False, server_default="0"))
    op.execute("update error_issue set stored_count = event_count")
    _count_issues()
    _index_issues()
    if op.get_context().dialect.name == "postgresql":
        return
    op.create_table(
        "payload_without_reference",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("received_at", columns.Micros, nullable=False),
        sa.Column("id", columns.UuidBytes(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("origin_id", "received_at", "id", name=op.f("pk_interaction_payload")),
        sqlite_strict=True,
    )
    op.execute("insert into payload_without_reference select origin_id, received_at, id, body from interaction_payload")
    op.drop_table("interaction_payload")
    op.rename_table("payload_without_reference", "interaction_payload")


def _count_issues() -> None:
    op.add_column("issue_number", sa.Column("last_seen", columns.Micros, nullable=False, server_default="0"))
    last = "select max(issue.last_seen) from error_issue as issue where issue.origin_id = issue_number.origin_id"
    op.execute(f"update issue_number set last_seen = coalesce(({last}), 0)")
    op.create_table(
        "issue_count",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("issue_count", columns.Count, nullable=False),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_issue_count_origin_id")),
        sa.PrimaryKeyConstraint("origin_id", "environment", "status", "level", name=op.f("pk_issue_count")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    counted = "select origin_id, '', status, level, count(*) from error_issue group by origin_id, status, level"
    op.execute(f"insert into issue_count {counted}")
    op.execute(
        "insert into issue_count select tag.origin_id, tag.value, issue.status, issue.level, count(*) "
        "from issue_tag as tag join error_issue as issue "
        "on issue.origin_id = tag.origin_id and issue.id = tag.issue_id "
        "where tag.key = 'environment' and tag.value <> '' "
        "group by tag.origin_id, tag.value, issue.status, issue.level"
    )


def _index_issues() -> None:
    for name in ("last_seen", "origin_last_seen", "origin_status"):
        op.drop_index(f"ix_error_issue_{name}", table_name="error_issue")
    for name, only in (
        ("last_seen", None),
        ("first_seen", None),
        ("event_count", sa.text("event_count >= 16")),
        ("user_count", sa.text("user_count >= 16")),
    ):
        walked = ["origin_id", "status", "level", name, "id"]
        op.create_index(f"ix_error_issue_{name}", "error_issue", walked, sqlite_where=only, postgresql_where=only)
    is_environment = sa.text("key || '' = 'environment'")
    by_environment = ["origin_id", "value", "issue_id"]
    op.create_index(
        "ix_issue_tag_environment",
        "issue_tag",
        by_environment,
        sqlite_where=is_environment,
        postgresql_where=is_environment,
    )


def downgrade() -> None:
    for name in ("last_seen", "first_seen", "event_count", "user_count"):
        op.drop_index(f"ix_error_issue_{name}", table_name="error_issue")
    op.create_index("ix_error_issue_last_seen", "error_issue", ["last_seen", "id"])
    op.create_index("ix_error_issue_origin_last_seen", "error_issue", ["origin_id", "last_seen", "id"])
    op.create_index("ix_error_issue_origin_status", "error_issue", ["origin_id", "status", "last_seen", "id"])
    op.drop_index("ix_issue_tag_environment", table_name="issue_tag")
    op.drop_table("issue_count")
    op.drop_column("issue_number", "last_seen")
    op.drop_column("error_issue", "stored_count")
    op.create_index("ix_issue_tag_value", "issue_tag", ["origin_id", "key", "value", "issue_id"])
