"""A user of the running service, and what the gateway would tell the service of each request."""

import uuid
from collections.abc import Mapping
from typing import Any

from stormglass.security import csrf
from tests.integration.products.client import Answer, Client, Who

PASSWORD = "a horse that knows its weather"
SCOPES = ("account", "orders:read", "orders:write", "profile:read", "profile:write")
GATEWAY = ("service:gateway", ())


class Person:
    """`credential` is what the requests of `call()` come with: the last log-in, unless a test says otherwise."""

    def __init__(self, users: Client) -> None:
        self.users = users
        self.email = f"ada.{uuid.uuid4().hex[:12]}@example.org"
        self.password = PASSWORD
        self.id = ""
        self.credential = ""
        self.address = ""
        """Which replica is asked; the first one where empty."""

    @property
    def who(self) -> Who:
        return (self.id, SCOPES)

    async def register(self) -> "Person":
        body = {"email": self.email, "password": self.password, "name": "Ada"}
        answer = await self.users.call("POST", "/users", body)
        assert answer.status == 201, answer.raw
        self.id = answer.body["id"]
        return self

    async def call(self, method: str, path: str, body: Any = None, *, credential: str | None = None) -> Answer:
        shown = self.credential if credential is None else credential
        return await self.users.call(method, path, body, who=self.who, credential=shown, address=self.address)

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """A request of nobody in particular."""
        return await self.users.call("POST", path, body, address=self.address)

    async def tokens(self) -> dict[str, Any]:
        """Log in as a program."""
        answer = await self.post("/tokens", {"email": self.email, "password": self.password})
        assert answer.status == 200, answer.raw
        tokens: dict[str, Any] = answer.body
        return tokens

    async def session(self, *, credential: str = "") -> str:
        """Log in as a browser; the session's secret."""
        body = {"email": self.email, "password": self.password}
        who = self.who if credential else None
        answer = await self.users.call("POST", "/sessions", body, who=who, credential=credential, address=self.address)
        assert answer.status == 201, answer.raw
        secret = secret_of(answer)
        assert answer.body["csrf_token"] == csrf.token(secret)
        self.credential = f"login:{answer.body['id']}"
        return secret

    async def verify(self, kind: str, secret: str) -> Answer:
        """What a gateway asks."""
        body = {"kind": kind, "secret": secret}
        return await self.users.call("POST", "/credentials/verify", body, who=GATEWAY, address=self.address)

    async def refresh(self, refresh_token: str) -> Answer:
        return await self.post("/tokens/refresh", {"refresh_token": refresh_token})

    async def logins(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.call("GET", "/sessions")).body["items"]
        return items


def secret_of(answer: Answer) -> str:
    """The session's secret in `Set-Cookie`."""
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    assert name == "__Host-session"
    return rest.partition(";")[0]
