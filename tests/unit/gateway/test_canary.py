"""Who may name a replica, and what becomes of the header."""

import pytest

from services.gateway import canary
from services.gateway.exchange import Exchange
from stormglass.security.identity import Identity
from stormglass.service import Problem

ADMIN = Identity("a", frozenset({"admin", "orders:read"}))


def _exchange(*values: str, identity: Identity | None = ADMIN) -> Exchange:
    headers = [(b"x-stormglass-canary", value.encode()) for value in values]
    return Exchange("GET", headers, "192.0.2.1", identity=identity)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ((), []),
        (("",), []),
        (("products-2",), ["products-2"]),
        (("products-2, orders-1",), ["products-2", "orders-1"]),
        (("products-2", " orders-6 "), ["products-2", "orders-6"]),
    ],
)
def test_an_administrator_may_name_replicas(values: tuple[str, ...], names: list[str]) -> None:
    assert canary.wanted(_exchange(*values)) == names
    assert canary.fields(_exchange(*values)) == [("X-Stormglass-Canary", name) for name in names]


@pytest.mark.parametrize(
    "name", ["products", "products-0", "products-7", "gateway-1", "redis", "products-2`) || PathPrefix(`/", "a" * 5000]
)
def test_what_no_replica_is_called_is_refused(name: str) -> None:
    with pytest.raises(Problem) as refused:
        canary.wanted(_exchange("products-1", name))
    assert (refused.value.status, refused.value.kind) == (400, "no-such-replica")
    assert len(refused.value.detail) < 120


@pytest.mark.parametrize(
    "identity", [None, Identity("u", frozenset({"orders:read"})), Identity("u", frozenset({"administrator", "admins"}))]
)
@pytest.mark.parametrize("name", ["products-2", "no such thing"])
def test_of_everybody_else_the_header_is_not_looked_at(identity: Identity | None, name: str) -> None:
    assert canary.wanted(_exchange(name, identity=identity)) == []
