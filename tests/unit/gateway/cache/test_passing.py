import pytest

from services.gateway.cache.groups import GROUPS, group_ids
from services.gateway.cache.passing import passes_by
from services.gateway.cache.policy import CachePolicy
from services.gateway.exchange import Exchange
from services.gateway.normalise import Target

POLICY = CachePolicy(query=("q", "limit"))


@pytest.mark.parametrize(
    ("method", "query", "headers", "why"),
    [
        ("GET", "", [], ""),
        ("HEAD", "q=1&limit=2", [], ""),
        ("GET", "q", [], ""),
        ("GET", "&&", [], ""),
        ("GET", "%71=1", [], ""),
        ("PUT", "", [], "method"),
        ("GET", "made-up=1", [], "bypass"),
        ("GET", "q=1&Q=1", [], "bypass"),
        ("GET", "", [(b"cache-control", b"no-store")], "request"),
        ("GET", "", [(b"cache-control", b"no-cache")], ""),
        ("GET", "", [(b"content-length", b"5")], "bypass"),
        ("GET", "", [(b"content-length", b"0")], ""),
        ("GET", "", [(b"transfer-encoding", b"chunked")], "bypass"),
    ],
)
def test_who_passes_by(method: str, query: str, headers: list[tuple[bytes, bytes]], why: str) -> None:
    assert passes_by(Exchange(method, headers, "192.0.2.1"), POLICY, Target("/x", query)) == why


def test_groups_belong_to_one_service() -> None:
    fields = [(GROUPS, b'"a", "b"')]
    mine, theirs = group_ids("products", "/p?x=1", fields, GROUPS), group_ids("orders", "/p", fields, GROUPS)
    assert len(mine) == 3
    assert not set(mine) & set(theirs)
    assert group_ids("products", "/p", fields, GROUPS) == mine, "whatever the query"
    # a group cannot be named so that it is a resource
    assert group_ids("products", "/a", [], GROUPS)[0] not in group_ids("products", "/p", [(GROUPS, b'"/a"')], GROUPS)
