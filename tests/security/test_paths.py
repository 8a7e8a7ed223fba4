"""Path confusion: no spelling of a path gets past the route table to an endpoint that is only for inside."""

import pytest

from stormglass.testing import Platform, eventually
from tests.security.canary import Canary, everybody_gets_their_own
from tests.security.hidden import DETOURS, INTERNAL, respelled
from tests.security.people import Person
from tests.security.traces import services_in
from tests.security.wire import ask

pytestmark = [pytest.mark.owasp("API8"), pytest.mark.owasp("API9")]


def _ask(platform: Platform, admin: Person, method: str, spelling: str, canary: Canary) -> int:
    head = f"{method} {spelling} HTTP/1.1\r\nAuthorization: Bearer {admin.token}\r\nConnection: close\r\n"
    head += "Cache-Control: no-cache\r\n"  # what is asked is to arrive
    start = head.encode()
    body = b"" if method == "GET" else b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    return ask(platform.address("edge"), start + canary.headers + (body or b"\r\n")).status


@pytest.mark.parametrize(("method", "path"), INTERNAL)
def test_what_is_only_for_inside_has_no_spelling_outside(
    platform: Platform, admin: Person, goods: str, method: str, path: str
) -> None:
    # the strongest credential there is, and an id that exists: it is the path that is refused
    target = path.format(id=goods)
    port = platform.address("users:admin").rpartition(":")[2]
    spellings = [target, *(way.format(to=target[1:], port=port) for way in DETOURS), *respelled(target)]
    assert len(set(spellings)) >= 60
    attacks, control = Canary(), Canary()
    refused = {spelling: _ask(platform, admin, method, spelling, attacks) for spelling in spellings}
    assert {spelling: status for spelling, status in refused.items() if status not in {400, 404, 405}} == {}
    # every replica hands its spans over in the order in which they ended: the control's are the last
    for public in ("/products", "/orders", "/users/me") * 2:
        assert _ask(platform, admin, "GET", public, control) == 200
    everybody = {"gateway", "products", "orders", "users"}
    eventually(lambda: everybody <= services_in(platform, control.trace), what="the control's trace is whole")
    # (the edge sends its own in its own time)
    assert services_in(platform, attacks.trace) - {"edge"} == {"gateway"}


@pytest.mark.parametrize(
    "path", ["/products?/../reservations", "/products?../../orders/x/confirm", "/products?%2e%2e/"]
)
def test_what_follows_a_question_mark_is_no_path(platform: Platform, admin: Person, path: str) -> None:
    canary = Canary()
    assert _ask(platform, admin, "GET", path, canary) == 200
    eventually(lambda: "products" in services_in(platform, canary.trace), what="the trace")
    assert services_in(platform, canary.trace) <= {"edge", "gateway", "products"}
    everybody_gets_their_own(platform.address("edge"))
