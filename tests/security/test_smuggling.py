"""Request smuggling: no message has two readings, and no answer reaches anybody but who asked."""

import pytest

from stormglass.testing import Platform
from tests.security.canary import Canary, everybody_gets_their_own, reached_a_gateway, subject
from tests.security.smuggled import CASES, REFUSED, Case
from tests.security.wire import exchange

pytestmark = pytest.mark.owasp("API8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_message_has_one_reading(platform: Platform, case: Case) -> None:
    edge = platform.address("edge")
    attack, passenger, canary = Canary("attack"), Canary("passenger"), Canary("canary")
    answers = exchange(edge, case.build(attack, passenger) + canary.request(close=True))
    everybody_gets_their_own(edge)
    if case.answered == REFUSED:
        # the edge has no better word than 500 for a chunk that is none; a gateway's 5xx would be a problem document
        assert [subject(answer) for answer in answers] == [""], answers
        assert answers[0].status in {400, 413, 500, 501}
        assert answers[0].header("connection") == "close"
        assert reached_a_gateway(platform, attack, passenger, canary) == []
        return
    sent = {"attack": attack, "passenger": passenger, "canary": canary}
    assert [(answer.status, subject(answer)) for answer in answers] == [
        (404, sent[who].path) for who in case.answered
    ], answers
    assert reached_a_gateway(platform, attack, passenger, canary) == list(case.answered)
