"""Count the events that are kept, and let payloads be dropped with their partition."""

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


def downgrade() -> None:
    op.drop_column("error_issue", "stored_count")
    op.create_index("ix_issue_tag_value", "issue_tag", ["origin_id", "key", "value", "issue_id"])
