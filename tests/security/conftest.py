from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stormglass.testing import Platform
from tests.security import limits
from tests.security.bait import Bait
from tests.security.bait import bait as lay
from tests.security.forge import Forge
from tests.security.goods import stocked
from tests.security.people import Client, Person

HERE = Path(__file__).parent
_afterwards = ExitStack()


@pytest.fixture(scope="session")
def _wide_limits(platform: Platform) -> None:
    _afterwards.callback(limits.restore, platform)
    limits.widen(platform)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """The limits are as they were for what comes after this folder; if nothing does, the platform is gone already."""
    if nextitem is not None and not nextitem.path.is_relative_to(HERE):
        _afterwards.close()


@pytest.fixture(scope="session")
def edge(platform: Platform) -> Iterator[Client]:
    """Nobody in particular."""
    with Client(platform.base_url) as client:
        yield client


@pytest.fixture(scope="session")
def customer(platform: Platform, _wide_limits: None) -> Iterator[Person]:
    with Person(platform.base_url) as person:
        yield person.register().log_in()


@pytest.fixture(scope="session")
def stranger(platform: Platform, _wide_limits: None) -> Iterator[Person]:
    """Another customer, who has no business with the first one's things."""
    with Person(platform.base_url) as person:
        yield person.register().log_in()


@pytest.fixture(scope="session")
def admin(platform: Platform, _wide_limits: None) -> Iterator[Person]:
    password = platform.secret("users", "admin_password")
    with Person(platform.base_url, email="admin@stormglass.local", password=password) as person:
        yield person.log_in()


@pytest.fixture(scope="module", autouse=True)
def _still_logged_in(customer: Person, stranger: Person, admin: Person) -> None:
    """Access tokens live for a quarter of an hour, which all of these tests together may take."""
    for person in (customer, stranger, admin):
        person.renew()


@pytest.fixture(scope="session")
def forge(platform: Platform, customer: Person) -> Forge:
    return Forge.stolen(platform.instance.secrets / "users", customer.token)


@pytest.fixture
def bait() -> Iterator[Bait]:
    with lay() as laid:
        yield laid


@pytest.fixture(scope="session")
def goods(admin: Person) -> str:
    """A product that is not sold out so soon."""
    return stocked(admin, 100_000)
