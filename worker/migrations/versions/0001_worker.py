"""The ledger of mails, and dead letters."""

from alembic import op

revision = "worker_0001"
down_revision = None

TABLES = (
    """
    CREATE TABLE mail_ledger (
        event_id uuid PRIMARY KEY,
        kind text NOT NULL,
        state text NOT NULL CHECK (state IN ('sending', 'sent')),
        message_id text NOT NULL,
        attempts integer NOT NULL DEFAULT 1,
        begun_at timestamptz NOT NULL DEFAULT now(),
        sent_at timestamptz,
        found boolean NOT NULL DEFAULT false
    )
    """,
    """
    CREATE TABLE dead_letter (
        event_id uuid PRIMARY KEY,
        task text NOT NULL,
        payload jsonb NOT NULL,
        traceparent text NOT NULL,
        error text NOT NULL,
        attempts integer NOT NULL,
        died_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    for table in ("dead_letter", "mail_ledger"):
        op.execute(f"DROP TABLE {table}")
