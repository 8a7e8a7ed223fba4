"""The gateway: who is turned away and why, and what its verification of credentials costs."""

from stormglass.telemetry.names.metric import Metric

RATE_LIMITED = Metric(
    "gateway_rate_limited_total",
    "Requests refused by a rate limit",
    ("policy",),
    cardinality=3,
    why="policy: as the route table names them",
    unit="{request}",
    served_by=("gateway",),
    values={"policy": ("default", "log-in", "refused")},
    zeros=True,
)
AUTH_FAILURES = Metric(
    "gateway_auth_failures_total",
    "Requests refused because of the credential they showed, or showed none",
    ("reason",),
    cardinality=22,
    why="reason: the gateway's own word for it, never anything that the credential says",
    unit="{request}",
    served_by=("gateway",),
    values={
        "reason": (
            "missing",
            "ambiguous",
            "not_bearer",
            "too_long",
            "malformed",
            "wrong_type",
            "wrong_algorithm",
            "refused_header",
            "no_key_id",
            "unknown_key",
            "no_keys",
            "expired",
            "bad_signature",
            "wrong_party",
            "bad_claims",
            "bad_api_key",
            "bad_session",
            "cannot_ask",
            "revoked",
            "insufficient_scope",
            "cross_site",
            "no_csrf_token",
        )
    },
)
GATEWAY_REFUSED = Metric(
    "gateway_refused_requests_total",
    "Requests refused because they were malformed or ambiguous",
    ("reason",),
    cardinality=10,
    unit="{request}",
    served_by=("gateway",),
    values={
        "reason": (
            "target_too_long",
            "target_syntax",
            "double_slash",
            "encoded_delimiter",
            "dot_segment",
            "headers_too_large",
            "header_value",
            "host",
            "upgrade",
            "framing",
        )
    },
)
TOKEN_CACHE = Metric(
    "gateway_token_cache_requests_total",
    "Look-ups of credentials among those verified before",
    ("result",),
    cardinality=2,
    values={"result": ("hit", "miss")},
    zeros=True,
    unit="{request}",
    served_by=("gateway",),
)
KEYS_REFRESHED = Metric(
    "gateway_keys_refreshed_timestamp_seconds",
    "When the key set that tokens are verified with was asked for, by the last attempt that succeeded",
    why="a rotation is over when this is later than the publication of the new key on every gateway",
    unit="s",
    served_by=("gateway",),
)
