"""Schema of the database `worker`: Alembic scripts in `versions/`, run by `stormglass.runtime.migrate`."""
