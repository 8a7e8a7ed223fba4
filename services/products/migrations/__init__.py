"""Schema of the database `products`: Alembic scripts in `versions/`, run by `stormglass.runtime.migrate`; no more."""
