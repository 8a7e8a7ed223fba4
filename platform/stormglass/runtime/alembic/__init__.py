"""The one Alembic environment of all services; their version scripts lie with the services.

Nothing here is imported: Alembic loads `env.py` by its path.
"""
