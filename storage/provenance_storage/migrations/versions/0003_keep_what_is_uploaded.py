"""Keep artifacts of releases, their source maps, and pieces of uploads on their way."""

import sqlalchemy as sa
from alembic import op

from provenance_storage import columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_artifacts()
    op.create_table(
        "artifact_version",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("version", columns.Count, nullable=False),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_artifact_version_origin_id")),
        sa.PrimaryKeyConstraint("origin_id", name=op.f("pk_artifact_version")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    _create_source_maps()
    op.create_table(
        "upload_chunk",
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("received_at", columns.Micros, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("checksum", name=op.f("pk_upload_chunk")),
        sqlite_strict=True,
    )
    if op.get_context().dialect.name == "postgresql":
        for name in ("source_map_part", "upload_chunk"):
            op.execute(f"alter table {name} alter column body set storage external")


def _create_artifacts() -> None:
    op.create_table(
        "artifact",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("id", columns.UuidBytes(), nullable=False),
        sa.Column("release_id", columns.UuidBytes(), nullable=True),
        sa.Column("dist", sa.Text(), nullable=False),
        sa.Column("name", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("debug_id", sa.Text(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("map_hash", sa.LargeBinary(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("size", columns.Count, nullable=False),
        sa.Column("uploaded_at", columns.Micros, nullable=False),
        sa.CheckConstraint("kind in ('script', 'source_map')", name=op.f("ck_artifact_kind")),
        sa.ForeignKeyConstraint(
            ["origin_id", "release_id"],
            ["release.origin_id", "release.id"],
            name=op.f("fk_artifact_origin_id_release_id"),
        ),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_artifact_origin_id")),
        sa.PrimaryKeyConstraint("origin_id", "id", name=op.f("pk_artifact")),
        sqlite_strict=True,
    )
    op.create_index("ix_artifact_release", "artifact", ["origin_id", "release_id", "name", "id"])
    op.create_index("ix_artifact_debug_id", "artifact", ["origin_id", "debug_id"])
    op.create_index("ix_artifact_hash", "artifact", ["origin_id", "hash"])
    inline = sa.text("map_hash is not null")
    op.create_index(
        "ix_artifact_map_hash", "artifact", ["origin_id", "map_hash"], sqlite_where=inline, postgresql_where=inline
    )


def _create_source_maps() -> None:
    op.create_table(
        "source_map",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("size", columns.Count, nullable=False),
        sa.Column("index_version", columns.Count, nullable=False),
        sa.Column("debug_id", sa.Text(), nullable=True),
        sa.Column("sources", columns.Count, nullable=False),
        sa.Column("segments", columns.Count, nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("created_at", columns.Micros, nullable=False),
        sa.Column("map_body", columns.UuidBytes(), nullable=True),
        sa.Column("index_body", columns.UuidBytes(), nullable=True),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_source_map_origin_id")),
        sa.PrimaryKeyConstraint("origin_id", "hash", name=op.f("pk_source_map")),
        sqlite_strict=True,
    )
    op.create_table(
        "source_map_part",
        sa.Column("origin_id", columns.UuidBytes(), nullable=False),
        sa.Column("body_id", columns.UuidBytes(), nullable=False),
        sa.Column("number", columns.Count, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("origin_id", "body_id", "number", name=op.f("pk_source_map_part")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    for name in ("upload_chunk", "source_map_part", "source_map", "artifact_version", "artifact"):
        op.drop_table(name)
