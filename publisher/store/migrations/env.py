"""Alembic's entry point: migrations run in the transaction that the caller opened."""

from alembic import context

from publisher.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
