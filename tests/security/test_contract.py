"""Thousands of requests made up from the published document, good and bad: no 5xx, nothing that it does not say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stormglass.testing import Platform
from tests.security.contract import Outcome, run
from tests.security.forge import ADMIN_SCOPES, USER_SCOPES, Forge
from tests.security.matrix import DOORS
from tests.security.people import Person

pytestmark = [pytest.mark.owasp("API8"), pytest.mark.owasp("API9"), pytest.mark.timeout(450)]

CASES = 3000
WHO = ["nobody", "customer", "administrator"]
outcomes: dict[str, Outcome] = {}


@pytest.fixture(scope="module")
def person(platform: Platform, goods: str) -> Iterator[Person]:
    """Whose account all of this happens to: renamed, logged out, full of keys."""
    with Person(platform.base_url) as made:
        yield made.register().log_in()
    # an administrator who tries everything has renamed products, too
    platform.run("catalogue")


@pytest.fixture(scope="module")
def known(person: Person, goods: str) -> dict[str, list[str]]:
    """Things that exist: what is made up alone would meet nothing but 404."""
    orders = [person.order(goods)["id"] for _ in range(3)]
    return {
        "path.order_id": orders,
        "path.product_id": [goods],
        "path.user_id": [person.id],
        "query.after": orders,
        "body.items[*].product_id": [goods],
    }


@pytest.mark.parametrize("who", WHO)
def test_nothing_that_is_not_said(
    who: str, platform: Platform, forge: Forge, person: Person, known: dict[str, list[str]], tmp_path: Path
) -> None:
    # a token of a log-in that does not exist: ending this or every log-in, which is among the cases, does not end it
    scopes = {"customer": USER_SCOPES, "administrator": ADMIN_SCOPES}.get(who)
    headers = {"Authorization": f"Bearer {forge.scoped(*scopes, subject=person.id)}"} if scopes else {}
    outcome = outcomes[who] = run(f"{platform.base_url}/openapi.json", platform.base_url, headers, known, tmp_path)
    print(who, outcome.cases, "cases", outcome.operations, "operations")  # noqa: T201 - the figures are worth a look
    assert outcome.failures == (), outcome.printed
    assert outcome.exit_code == 0, outcome.printed
    assert outcome.rate_limited == ()
    assert set(outcome.phases) == {"examples", "coverage", "fuzzing", "stateful"}
    # all but the one that the document came from, which is left out by itself
    assert outcome.operations == len(DOORS) - 1


def test_it_was_enough() -> None:
    assert set(outcomes) == set(WHO)
    assert sum(outcome.cases for outcome in outcomes.values()) >= CASES
