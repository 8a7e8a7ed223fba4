"""Alembic's environment for every service: `stormglass.runtime.migrate` gives connection and transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
