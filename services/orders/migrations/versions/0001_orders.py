"""Orders, idempotency records, and the outbox that a worker reads."""

from alembic import op

from stormglass.data.outbox import DDL as OUTBOX

revision = "orders_0001"
down_revision = None

TABLES = (
    """
    CREATE TABLE orders (
        id uuid PRIMARY KEY,
        user_id text NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'confirmed', 'cancelled')),
        reason text,
        reservation_id uuid NOT NULL,
        lines jsonb NOT NULL,
        total_cents bigint NOT NULL CHECK (total_cents >= 0),
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    # ids are UUIDv7: the order of ids is the order of time, so one index serves the pages of a user
    "CREATE INDEX orders_by_user ON orders (user_id, id DESC)",
    """
    CREATE TABLE idempotency_key (
        user_id text NOT NULL,
        key text NOT NULL,
        fingerprint bytea NOT NULL,
        order_id uuid NOT NULL DEFAULT uuidv7(),
        token uuid NOT NULL,
        lease_until timestamptz NOT NULL,
        status smallint,
        body bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, key)
    )
    """,
    "CREATE INDEX idempotency_key_by_age ON idempotency_key (created_at)",
    *OUTBOX,
    "CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL",
)

# The worker may see events and say how far it is with them, and nothing else in this database.
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'worker') THEN
        GRANT USAGE ON SCHEMA public TO worker;
        GRANT SELECT, UPDATE (enqueued_at, done_at) ON outbox TO worker;
    END IF;
END
$$
"""


def upgrade() -> None:
    for statement in (*TABLES, GRANTS):
        op.execute(statement)


def downgrade() -> None:
    for table in ("outbox", "idempotency_key", "orders"):
        op.execute(f"DROP TABLE {table}")
