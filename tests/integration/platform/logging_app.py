"""The application that `test_log_export.py` serves in a process of its own."""

from litestar import Litestar, get
from litestar.params import FromQuery

from stormglass.service import create_service
from stormglass.telemetry import configure
from stormglass.telemetry.logs import logger

_log = logger("probe.requests")


@get("/said")
async def said(number: FromQuery[int]) -> dict[str, int]:
    _log.info("said", number=number, about={"depth": [1, 2]})
    return {"number": number}


def create_app() -> Litestar:
    return create_service(name="probe", route_handlers=[said])


def create_configured() -> Litestar:
    """Like a program that has configured its telemetry before it serves."""
    configure.configure()
    return create_app()
