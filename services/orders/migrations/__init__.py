"""Schema of the database `orders`: Alembic scripts in `versions/`, run by `stormglass.runtime.migrate`."""
