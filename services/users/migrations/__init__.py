"""Schema of the database `users`: Alembic scripts in `versions/`, run by `stormglass.runtime.migrate`; no more."""
