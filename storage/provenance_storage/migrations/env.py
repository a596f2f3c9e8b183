"""Run migrations on the connection that `provenance_storage.schema` hands over."""

from alembic import context

from provenance_storage.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    compare_type=False,
)
with context.begin_transaction():
    context.run_migrations()
