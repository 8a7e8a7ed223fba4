"""The users service: the keys it signs with."""

from stormglass.telemetry.names.metric import Metric

SIGNING_KEYS = Metric(
    "users_signing_keys",
    "Keys that access tokens are or were signed with",
    ("state",),
    cardinality=3,
    why="a rotation takes a key through all three states",
    unit="{key}",
    served_by=("users",),
    values={"state": ("next", "signing", "retiring")},
    zeros=True,
)
