"""Create the store."""

import sqlalchemy as sa
from alembic import op

from provenance_storage import columns, system

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "action",
        sa.Column("id", columns.UuidBytes(), nullable=False),
        sa.Column("mnemonic", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("system", columns.Flag(), nullable=False),
        sa.Column("created_at", columns.Micros, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
        sa.UniqueConstraint("mnemonic", name=op.f("uq_action_mnemonic")),
        sqlite_strict=True,
    )
    op.create_table(
        "origin",
        sa.Column("id", columns.UuidBytes(), nullable=False),
        sa.Column("number", columns.Micros, nullable=False),
        sa.Column("mnemonic", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Micros, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_origin")),
        sa.UniqueConstraint("mnemonic", name=op.f("uq_origin_mnemonic")),
        sa.UniqueConstraint("number", name=op.f("uq_origin_number")),
        sqlite_strict=True,
    )
    op.create_table(
        "resource_type",
        sa.Column("id", columns.UuidBytes(), nullable=False),
        sa.Column("mnemonic", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("system", columns.Flag(), nullable=False),
        sa.Column("created_at", columns.Micros, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_type")),
        sa.UniqueConstraint("mnemonic", name=op.f("uq_resource_type_mnemonic")),
        sqlite_strict=True,
    )
    op.create_table(
        "discard",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("hour", columns.Micros, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("item_count", columns.Micros, nullable=False),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_discard_origin_id")),
        sa.PrimaryKeyConstraint("origin_id", "hour", "category", "reason", name=op.f("pk_discard")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "error_issue",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("id", columns.UuidBytes(), nullable=False),
        sa.Column("number", columns.Micros, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("fingerprint_version", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_changed_at", columns.Micros, nullable=False),
        sa.Column("resolved_release_id", columns.UuidBytes(), nullable=True),
        sa.Column("regression_count", columns.Micros, nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("handled", columns.Flag(), nullable=True),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("culprit", sa.Text(), nullable=True),
        sa.Column("first_seen", columns.Micros, nullable=False),
        sa.Column("last_seen", columns.Micros, nullable=False),
        sa.Column("first_event_id", columns.UuidBytes(), nullable=False),
        sa.Column("last_event_id", columns.UuidBytes(), nullable=False),
        sa.Column("first_release_id", columns.UuidBytes(), nullable=True),
        sa.Column("last_release_id", columns.UuidBytes(), nullable=True),
        sa.Column("event_count", columns.Micros, nullable=False),
        sa.Column("user_count", columns.Micros, nullable=False),
        sa.CheckConstraint(
            "level in ('fatal', 'error', 'warning', 'info', 'debug')", name=op.f("ck_error_issue_level")
        ),
        sa.CheckConstraint(
            "status in ('open', 'resolved', 'regressed', 'ignored', 'muted')", name=op.f("ck_error_issue_status")
        ),
        sa.CheckConstraint("event_count > 0", name=op.f("ck_error_issue_event_count")),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_error_issue_origin_id")),
        sa.PrimaryKeyConstraint("origin_id", "id", name=op.f("pk_error_issue")),
        sa.UniqueConstraint("origin_id", "number", name=op.f("uq_error_issue_origin_id_number")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("error_issue", schema=None) as batch_op:
        batch_op.create_index("ix_error_issue_last_seen", ["last_seen", "id"], unique=False)
        batch_op.create_index("ix_error_issue_origin_last_seen", ["origin_id", "last_seen", "id"], unique=False)
        batch_op.create_index("ix_error_issue_origin_status", ["origin_id", "status", "last_seen", "id"], unique=False)

    op.create_table(
        "event_key",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("received_at", columns.Micros, nullable=False),
        sa.Column("interaction_id", columns.UuidBytes(), nullable=False),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_event_key_origin_id")),
        sa.PrimaryKeyConstraint("origin_id", "event_id", name=op.f("pk_event_key")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issue_number",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("last", columns.Micros, nullable=False),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_issue_number_origin_id")),
        sa.PrimaryKeyConstraint("origin_id", name=op.f("pk_issue_number")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "origin_key",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", columns.Micros, nullable=False),
        sa.CheckConstraint("kind in ('public', 'server')", name=op.f("ck_origin_key_kind")),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_origin_key_origin_id")),
        sa.PrimaryKeyConstraint("origin_id", "key", name=op.f("pk_origin_key")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "release",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("id", columns.UuidBytes(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("version_order", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.Column("registered", columns.Flag(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("date_released", columns.Micros, nullable=True),
        sa.Column("created_at", columns.Micros, nullable=False),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_release_origin_id")),
        sa.PrimaryKeyConstraint("origin_id", "id", name=op.f("pk_release")),
        sa.UniqueConstraint("origin_id", "version", name=op.f("uq_release_origin_id_version")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.create_index("ix_release_newest", ["origin_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_release_order", ["origin_id", "version_order"], unique=False)

    op.create_table(
        "interaction",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("received_at", columns.Micros, nullable=False),
        sa.Column("id", columns.UuidBytes(), nullable=False),
        sa.Column("resource_type_id", columns.UuidBytes(), nullable=False),
        sa.Column("action_id", columns.UuidBytes(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=True),
        sa.Column("issue_id", columns.UuidBytes(), nullable=True),
        sa.Column("release_id", columns.UuidBytes(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("uow_id", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("span_id", sa.Text(), nullable=True),
        sa.Column("parent_span_id", sa.Text(), nullable=True),
        sa.Column("interaction_at", columns.Micros, nullable=True),
        sa.Column("external_reference", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "level is null or level in ('fatal', 'error', 'warning', 'info', 'debug')",
            name=op.f("ck_interaction_level"),
        ),
        sa.CheckConstraint("via in ('public', 'server', 'local')", name=op.f("ck_interaction_via")),
        sa.ForeignKeyConstraint(
            ["origin_id", "issue_id"],
            ["error_issue.origin_id", "error_issue.id"],
            name=op.f("fk_interaction_origin_id_issue_id"),
        ),
        sa.PrimaryKeyConstraint("origin_id", "received_at", "id", name=op.f("pk_interaction")),
        postgresql_partition_by="RANGE (received_at)",
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("interaction", schema=None) as batch_op:
        batch_op.create_index(
            "ix_interaction_action",
            ["action_id"],
            unique=False,
            sqlite_where=sa.text("issue_id is null"),
            postgresql_where=sa.text("issue_id is null"),
        )
        batch_op.create_index("ix_interaction_issue", ["origin_id", "issue_id", "received_at", "id"], unique=False)
        batch_op.create_index(
            "ix_interaction_resource_type",
            ["resource_type_id"],
            unique=False,
            sqlite_where=sa.text("issue_id is null"),
            postgresql_where=sa.text("issue_id is null"),
        )

    op.create_table(
        "issue_fingerprint",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("issue_id", columns.UuidBytes(), nullable=False),
        sa.ForeignKeyConstraint(
            ["origin_id", "issue_id"],
            ["error_issue.origin_id", "error_issue.id"],
            name=op.f("fk_issue_fingerprint_origin_id_issue_id"),
        ),
        sa.PrimaryKeyConstraint("origin_id", "fingerprint", name=op.f("pk_issue_fingerprint")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issue_hour",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("issue_id", columns.UuidBytes(), nullable=False),
        sa.Column("hour", columns.Micros, nullable=False),
        sa.Column("event_count", columns.Micros, nullable=False),
        sa.ForeignKeyConstraint(
            ["origin_id", "issue_id"],
            ["error_issue.origin_id", "error_issue.id"],
            name=op.f("fk_issue_hour_origin_id_issue_id"),
        ),
        sa.PrimaryKeyConstraint("origin_id", "issue_id", "hour", name=op.f("pk_issue_hour")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issue_release",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("issue_id", columns.UuidBytes(), nullable=False),
        sa.Column("release_id", columns.UuidBytes(), nullable=False),
        sa.Column("event_count", columns.Micros, nullable=False),
        sa.Column("first_seen", columns.Micros, nullable=False),
        sa.Column("last_seen", columns.Micros, nullable=False),
        sa.ForeignKeyConstraint(
            ["origin_id", "issue_id"],
            ["error_issue.origin_id", "error_issue.id"],
            name=op.f("fk_issue_release_origin_id_issue_id"),
        ),
        sa.ForeignKeyConstraint(
            ["origin_id", "release_id"],
            ["release.origin_id", "release.id"],
            name=op.f("fk_issue_release_origin_id_release_id"),
        ),
        sa.PrimaryKeyConstraint("origin_id", "issue_id", "release_id", name=op.f("pk_issue_release")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("issue_release", schema=None) as batch_op:
        batch_op.create_index("ix_issue_release_release", ["origin_id", "release_id", "issue_id"], unique=False)

    op.create_table(
        "issue_tag",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("issue_id", columns.UuidBytes(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("event_count", columns.Micros, nullable=False),
        sa.ForeignKeyConstraint(
            ["origin_id", "issue_id"],
            ["error_issue.origin_id", "error_issue.id"],
            name=op.f("fk_issue_tag_origin_id_issue_id"),
        ),
        sa.PrimaryKeyConstraint("origin_id", "issue_id", "key", "value", name=op.f("pk_issue_tag")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("issue_tag", schema=None) as batch_op:
        batch_op.create_index("ix_issue_tag_value", ["origin_id", "key", "value", "issue_id"], unique=False)

    op.create_table(
        "issue_tag_key",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("issue_id", columns.UuidBytes(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("event_count", columns.Micros, nullable=False),
        sa.ForeignKeyConstraint(
            ["origin_id", "issue_id"],
            ["error_issue.origin_id", "error_issue.id"],
            name=op.f("fk_issue_tag_key_origin_id_issue_id"),
        ),
        sa.PrimaryKeyConstraint("origin_id", "issue_id", "key", name=op.f("pk_issue_tag_key")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issue_user",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("issue_id", columns.UuidBytes(), nullable=False),
        sa.Column("user_hash", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen", columns.Micros, nullable=False),
        sa.ForeignKeyConstraint(
            ["origin_id", "issue_id"],
            ["error_issue.origin_id", "error_issue.id"],
            name=op.f("fk_issue_user_origin_id_issue_id"),
        ),
        sa.PrimaryKeyConstraint("origin_id", "issue_id", "user_hash", name=op.f("pk_issue_user")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "status_change",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("id", columns.UuidBytes(), nullable=False),
        sa.Column("issue_id", columns.UuidBytes(), nullable=False),
        sa.Column("changed_at", columns.Micros, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("release_id", columns.UuidBytes(), nullable=True),
        sa.Column("event_id", columns.UuidBytes(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["origin_id", "issue_id"],
            ["error_issue.origin_id", "error_issue.id"],
            name=op.f("fk_status_change_origin_id_issue_id"),
        ),
        sa.PrimaryKeyConstraint("origin_id", "id", name=op.f("pk_status_change")),
        sqlite_strict=True,
    )
    with op.batch_alter_table("status_change", schema=None) as batch_op:
        batch_op.create_index("ix_status_change_issue", ["origin_id", "issue_id", "id"], unique=False)
        batch_op.create_index("ix_status_change_release", ["origin_id", "release_id", "to_status"], unique=False)

    op.create_table(
        "interaction_payload",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("received_at", columns.Micros, nullable=False),
        sa.Column("id", columns.UuidBytes(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        *_of_interaction(),
        sa.PrimaryKeyConstraint("origin_id", "received_at", "id", name=op.f("pk_interaction_payload")),
        postgresql_partition_by="RANGE (received_at)",
        sqlite_strict=True,
    )
    if on_postgresql():
        for name in ("interaction", "interaction_payload"):
            op.execute(f"create table {name}_other partition of {name} default")
        op.execute("alter table interaction_payload alter column body set storage external")
        op.execute("alter table interaction_payload_other alter column body set storage external")
    _insert("resource_type", system.resource_type_rows())
    _insert("action", system.action_rows())


def on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _of_interaction() -> list[sa.ForeignKeyConstraint]:
    """A partition that is referred to could not be dropped."""
    if on_postgresql():
        return []
    key = ["origin_id", "received_at", "id"]
    name = op.f("fk_interaction_payload_origin_id_received_at_id")
    return [sa.ForeignKeyConstraint(key, [f"interaction.{column}" for column in key], name=name)]


def _insert(name: str, rows: list[dict[str, object]]) -> None:
    words = sa.table(
        name,
        sa.column("id", columns.UuidBytes()),
        sa.column("mnemonic"),
        sa.column("name"),
        sa.column("system", columns.Flag()),
        sa.column("created_at"),
    )
    op.bulk_insert(words, rows)


def downgrade() -> None:
    for name in (
        *("interaction_payload", "status_change", "issue_user", "issue_tag_key", "issue_tag", "issue_release"),
        *("issue_hour", "issue_fingerprint", "interaction", "release", "origin_key", "issue_number", "event_key"),
        *("error_issue", "discard", "resource_type", "origin", "action"),
    ):
        op.drop_table(name)
