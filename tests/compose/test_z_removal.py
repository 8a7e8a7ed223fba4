"""Last of all: down leaves nothing, and what comes up again is as new."""

from tests.compose.conftest import Containers


def test_down_leaves_nothing_and_up_works_again(containers: Containers) -> None:
    containers.down()
    assert containers.left() == []
    containers.up()
    containers.run("catalogue")
    assert containers.json("order")["status"] == "confirmed"
    containers.down()
    assert containers.left() == []
