"""What the gateway's own table says about who may do what: the expectation that every credential is held against."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from services.gateway.route import Auth, Route
from services.gateway.routes import ROUTES
from stormglass.testing import Platform
from tests.security.people import Client

PARAMETER = re.compile(r"\{[^}]+\}")
SERVICES = ("users", "products", "orders")


@dataclass(frozen=True)
class Door:
    """One method of one route."""

    method: str
    route: Route

    @property
    def name(self) -> str:
        return f"{self.method} {self.route.path}"

    @property
    def path(self) -> str:
        """An address that fits, of something that does not exist."""
        return PARAMETER.sub(lambda _: str(uuid.uuid4()), self.route.path)

    @property
    def guarded(self) -> bool:
        return self.route.auth is Auth.REQUIRED

    def knock(self, client: Client) -> httpx.Response:
        """A request with nothing in it: whoever is let in is told that something is missing, and nothing happens."""
        if self.route.body:
            return client.call(self.method, self.path, {}, headers={"Sec-Fetch-Site": "same-origin"})
        return client.call(self.method, self.path)


DOORS = [Door(method, route) for route in ROUTES for method in route.methods]
GUARDED = [door for door in DOORS if door.guarded]
OPEN = [door for door in DOORS if not door.guarded]


def scopes() -> list[str]:
    """Every scope that any route asks for."""
    return sorted({scope for route in ROUTES for scope in route.scopes})


def documents(platform: Platform) -> dict[str, Any]:
    """What each service says about itself, asked past the gateway."""
    return {
        service: httpx.get(f"http://{platform.address(service)}/{service}/schema/openapi.json", timeout=30).json()
        for service in SERVICES
    }


def handlers(platform: Platform) -> Iterator[tuple[str, str, str]]:
    """(service, method, path template) of everything the services themselves answer to, listed outside or not."""
    for service, document in documents(platform).items():
        for path, operations in document["paths"].items():
            for method in operations:
                yield service, method.upper(), path


def filled(template: str) -> str:
    """The template with something in its parameters that fits and does not exist."""
    return PARAMETER.sub(lambda _: str(uuid.uuid4()), template)


def published(method: str, template: str) -> Door | None:
    """The way in from outside to a service's handler, if there is one."""
    shape = PARAMETER.sub("{}", template)
    fitting = (door for door in DOORS if PARAMETER.sub("{}", door.route.target) == shape and door.method == method)
    return next(fitting, None)
