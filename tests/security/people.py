"""Who attacks, and who is attacked: clients of the edge with whatever credential they hold."""

import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

SECONDS = 30.0

GAVE_UP = {503, 504}
PAUSE_SECONDS = 1.2
"""After it a replica that froze is out of the balancers, which wait for an answer no longer than 1.0 and 1.5 s."""


def patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer; where a balancer gave up, that to asking again. For what a test begins with, not for its subject."""
    answer = ask()
    if answer.status_code not in GAVE_UP:
        return answer
    time.sleep(PAUSE_SECONDS)
    return ask()


@dataclass
class Client:
    """One connection pool to the edge; every request carries `credential`, a set of header fields."""

    base_url: str
    credential: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._http = httpx.Client(base_url=self.base_url, timeout=SECONDS, headers=self.credential)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        if body is not None:
            options["json"] = body
        answer = self._http.request(method, path, **options)
        # the client keeps cookies otherwise, and the next request would carry a credential nobody gave it
        self._http.cookies.clear()
        return answer

    def holding(self, **credential: str) -> "Client":
        """The same edge with another credential: `holding(authorization="Bearer …")`."""
        return Client(self.base_url, {name.replace("_", "-"): value for name, value in credential.items()})

    def bearing(self, token: str) -> "Client":
        return self.holding(authorization=f"Bearer {token}")


@dataclass
class Person(Client):
    """Somebody with an account, who is logged in by access token."""

    email: str = field(default_factory=lambda: f"Person.{uuid.uuid4().hex[:12]}@Example.org")
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    name: str = "A person"
    id: str = ""
    grant: dict[str, Any] = field(default_factory=dict, repr=False)
    since: float = 0.0

    def register(self) -> Self:
        body = {"email": self.email, "password": self.password, "name": self.name}
        answers: list[httpx.Response] = []

        def ask() -> httpx.Response:
            answers.append(self.call("POST", "/users", body))
            return answers[-1]

        answer = patiently(ask)
        if len(answers) > 1 and answer.status_code == 409:
            # done the first time: only its answer came too late
            self.id = self._known_as()
            return self
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["id"]
        return self

    def log_in(self) -> Self:
        self.grant, self.since = self._granted(), time.monotonic()
        self._http.headers["Authorization"] = f"Bearer {self.token}"
        return self

    def _granted(self) -> dict[str, Any]:
        with Client(self.base_url) as nobody:
            right = {"email": self.email, "password": self.password}
            answer = patiently(lambda: nobody.call("POST", "/tokens", right))
        assert answer.status_code == 200, answer.text
        granted: dict[str, Any] = answer.json()
        return granted

    def _known_as(self) -> str:
        with self.bearing(self._granted()["access_token"]) as myself:
            answer = patiently(lambda: myself.call("GET", "/users/me"))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def renew(self) -> None:
        """Log in anew, if that was some minutes ago."""
        if time.monotonic() - self.since > 300:
            self.log_in()

    @property
    def token(self) -> str:
        return str(self.grant["access_token"])

    def open_session(self) -> Client:
        """A browser that has just logged in, with what a browser sends along."""
        with Client(self.base_url) as browser:
            answer = browser.call("POST", "/sessions", {"email": self.email, "password": self.password})
        assert answer.status_code == 201, answer.text
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return Client(self.base_url, {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf_token"]})

    def make_key(self, *scopes: str) -> dict[str, Any]:
        answer = self.call("POST", "/api-keys", {"name": "a key", "scopes": list(scopes)})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def order(self, product_id: str, quantity: int = 1, key: str = "") -> dict[str, Any]:
        body = {"items": [{"product_id": product_id, "quantity": quantity}]}
        answer = self.call("POST", "/orders", body, headers={"Idempotency-Key": key or uuid.uuid4().hex})
        assert answer.status_code == 201, answer.text
        placed: dict[str, Any] = answer.json()
        return placed


def problem(answer: httpx.Response) -> str:
    """The kind of problem that an answer states."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    members = answer.json()
    assert members["status"] == answer.status_code
    return str(members["type"]).removeprefix("urn:stormglass:problem:")
