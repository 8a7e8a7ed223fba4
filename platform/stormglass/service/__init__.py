"""How an HTTP process is born: `create_service()` makes the application, `python -m stormglass.service` serves it.

Health, drain, problem details, deadlines, telemetry and limits come from here, so that a service holds its own subject
only. A service's routes, tables and rules may not live here.
"""

from stormglass.service.factory import Check, create_service
from stormglass.service.problems import Problem

__all__ = ["Check", "Problem", "create_service"]
