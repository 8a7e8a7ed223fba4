import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.cache.policy import CachePolicy
from services.gateway.cache.terms import LONGEST_KEPT, LONGEST_NEGATIVE, VALIDATED_FOR, Terms, initial_age, terms

POLICY = CachePolicy()
DATE = ("date", "Wed, 25 Nov 2026 10:00:00 GMT")


def of(*fields: tuple[str, str], status: int = 200, policy: CachePolicy = POLICY) -> Terms | str:
    return terms(status, [(name.encode(), value.encode()) for name, value in fields], policy)


def given_terms(*fields: tuple[str, str], status: int = 200) -> Terms:
    found = of(*fields, status=status)
    assert isinstance(found, Terms), found
    return found


def test_our_products() -> None:
    found = given_terms(
        ("cache-control", "public, no-cache"),
        ("stormglass-cache-control", "max-age=10, stale-while-revalidate=30, stale-if-error=600"),
        ("etag", '"x"'),
        ("vary", "Accept-Encoding, accept"),
        ("cache-groups", '"product-1", "products"'),
    )
    assert found == Terms(
        10.0, 30.0, 600.0, 610.0 + VALIDATED_FOR, ("accept", "accept-encoding"), ("product-1", "products")
    )


FRESH = "public, max-age=10"


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("not-public", [("cache-control", "max-age=10")]),
        ("not-public", [("stormglass-cache-control", "max-age=10")]),
        ("not-public", []),
        ("no-store", [("cache-control", "public, max-age=10, no-store")]),
        ("private", [("cache-control", "public, max-age=10, private")]),
        ("private", [("cache-control", 'public, max-age=10, private="x-name"')]),
        ("no-store", [("cache-control", "no-store"), ("stormglass-cache-control", "public, max-age=10")]),
        ("private", [("cache-control", "private"), ("stormglass-cache-control", "public, max-age=10")]),
        ("no-store", [("cache-control", FRESH), ("stormglass-cache-control", "public, no-store")]),
        ("set-cookie", [("cache-control", FRESH), ("set-cookie", "a=b")]),
        ("degraded", [("cache-control", FRESH), ("x-stormglass-degraded", "stale-cache")]),
        ("vary", [("cache-control", FRESH), ("vary", "*")]),
        ("vary", [("cache-control", FRESH), ("vary", "Accept, *")]),
        ("vary", [("cache-control", FRESH), ("vary", "Cookie")]),
        ("vary", [("cache-control", FRESH), ("vary", "accept"), ("vary", "x-other")]),
        ("no-lifetime", [("cache-control", "public")]),
        ("no-lifetime", [("cache-control", "public, max-age=0")]),
        ("no-lifetime", [("cache-control", "public, max-age=10, max-age=20")]),
        ("no-lifetime", [("cache-control", "public, no-cache, stale-if-error=60")]),
        ("no-lifetime", [("cache-control", "public"), ("expires", "0"), DATE]),
    ],
)
def test_what_is_not_stored(reason: str, fields: list[tuple[str, str]]) -> None:
    assert of(*fields) == reason


@pytest.mark.parametrize("status", [100, 201, 204, 206, 301, 302, 304, 400, 401, 403, 405, 410, 429, 500, 503])
def test_statuses_that_are_not_stored(status: int) -> None:
    assert of(("cache-control", FRESH), status=status) == "status"


@pytest.mark.parametrize(
    ("fields", "lifetime"),
    [
        ([("cache-control", "public, max-age=10, s-maxage=20")], 20),
        ([("cache-control", "public, max-age=10, s-maxage=x"), ("etag", '"x"')], 0),
        ([("cache-control", "public"), ("expires", "Wed, 25 Nov 2026 10:00:30 GMT"), DATE], 30),
        ([("cache-control", "public, max-age=5"), ("expires", "Wed, 25 Nov 2026 10:00:30 GMT"), DATE], 5),
        ([("cache-control", "public"), ("expires", "Wed, 25 Nov 2026 09:00:00 GMT"), DATE, ("etag", '"x"')], 0),
        ([("cache-control", "public, max-age=99999999")], LONGEST_KEPT),
        ([("cache-control", "public, no-cache, max-age=10"), ("etag", '"x"')], 0),
        ([("cache-control", "public, no-cache"), ("stormglass-cache-control", "max-age=7")], 7),
        ([("cache-control", "public, max-age=99"), ("stormglass-cache-control", "public"), ("etag", '"x"')], 0),
    ],
)
def test_lifetimes(fields: list[tuple[str, str]], lifetime: float) -> None:
    assert given_terms(*fields).lifetime == lifetime


@pytest.mark.parametrize("strict", ["must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache"])
def test_what_must_be_validated_is_never_served_stale(strict: str) -> None:
    control = f"public, max-age=10, stale-while-revalidate=30, stale-if-error=60, {strict}"
    found = given_terms(("cache-control", control), ("etag", '"x"'))
    assert (found.while_revalidate, found.if_error) == (0, 0)


def test_a_404_is_kept_briefly() -> None:
    found = given_terms(("cache-control", "public, max-age=1000, stale-if-error=1000"), status=404)
    assert (found.lifetime, found.if_error, found.keep) == (LONGEST_NEGATIVE, 0, LONGEST_NEGATIVE)


def test_a_malformed_list_of_groups_is_none() -> None:
    assert given_terms(("cache-control", FRESH), ("cache-groups", '"a", b c')).groups == ()
    assert given_terms(("cache-control", FRESH), ("cache-groups", '"a", tok, 1, "a"')).groups == ("a", "tok")


@pytest.mark.parametrize(("age", "expected"), [("", 0.25), ("7", 7.25), ("x", 0.25), ("-7", 0.25), ("9" * 30, 0.25)])
def test_age_on_arrival(age: str, expected: float) -> None:
    assert initial_age([(b"age", age.encode())] if age else [], 0.25) == expected


WORDS = st.sampled_from(
    ["public", "private", "no-store", "no-cache", "max-age=5", "s-maxage=5", "must-revalidate", "max-age=x", "", '"']
)
CONTROLS = st.lists(WORDS, max_size=4).map(", ".join)


@given(CONTROLS, CONTROLS, st.sampled_from(["", "*", "accept", "cookie"]), st.booleans())
def test_nothing_that_hints_at_a_person_is_ever_stored(control: str, own: str, vary: str, cookie: bool) -> None:
    fields = [("cache-control", control), ("stormglass-cache-control", own), ("vary", vary), ("etag", '"x"')]
    found = of(*fields, *([("set-cookie", "a")] if cookie else []))
    if isinstance(found, Terms):
        assert "public" in control + own
        assert not cookie
        assert vary in {"", "accept"}
        # an unclosed quote makes the targeted field void, and hides what stands behind it in the other one
        said = control.partition('"')[0]
        assert "private" not in said
        assert "no-store" not in said


def test_a_policy_may_not_select_by_person() -> None:
    assert POLICY.faults == []
    assert len(CachePolicy(vary=("cookie", "authorization", "Accept")).faults) == 3
