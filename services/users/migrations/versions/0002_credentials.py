"""Log-ins, refresh tokens and API keys."""

from alembic import op

revision = "users_0002"
down_revision = "users_0001"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE login (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
        kind text NOT NULL CHECK (kind IN ('browser', 'token')),
        secret_hash bytea UNIQUE,
        created_at timestamptz NOT NULL,
        last_used_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        revoked_at timestamptz,
        CHECK ((kind = 'browser') = (secret_hash IS NOT NULL)),
        CHECK (expires_at <= ends_at)
    )
    """,
    "CREATE INDEX login_by_user ON login (user_id, last_used_at DESC) WHERE revoked_at IS NULL",
    "CREATE INDEX login_expires ON login (expires_at)",
    "CREATE INDEX login_revoked ON login (revoked_at) WHERE revoked_at IS NOT NULL",
    """
    CREATE TABLE refresh_token (
        hash bytea PRIMARY KEY,
        login_id uuid NOT NULL REFERENCES login ON DELETE CASCADE,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz
    )
    """,
    "CREATE INDEX refresh_token_by_login ON refresh_token (login_id)",
    "CREATE INDEX refresh_token_expires ON refresh_token (expires_at)",
    """
    CREATE TABLE api_key (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
        name text NOT NULL,
        prefix text NOT NULL UNIQUE,
        secret_hash bytea NOT NULL,
        scopes text[] NOT NULL,
        created_at timestamptz NOT NULL,
        last_used_at timestamptz,
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz
    )
    """,
    "CREATE INDEX api_key_by_user ON api_key (user_id, created_at DESC) WHERE revoked_at IS NULL",
    "CREATE INDEX api_key_expires ON api_key (expires_at)",
    "CREATE INDEX api_key_revoked ON api_key (revoked_at) WHERE revoked_at IS NOT NULL",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    for table in ("api_key", "refresh_token", "login"):
        op.execute(f"DROP TABLE {table}")
