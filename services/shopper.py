"""A customer, as seen from outside: everything here goes through the edge, as any client's requests would.

Used by the command line and by tests: one place that knows how a person buys something. Load has a client of its own
(`chaos.load.shop`), which makes many requests at once and records each.
"""

import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

TIMEOUT_SECONDS = 15.0

RENEW_SECONDS = 60.0
"""How long before its end an access token is renewed: more than a request can take."""


class ShopError(Exception):
    """The platform refused or failed a request; the text says which one, how, and where to look.

    `kind` is the problem's type without its prefix (`insufficient-stock`), empty where no problem document came.
    """

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Placed:
    """An acknowledged order. `seconds` is what the customer waited for the acknowledgement."""

    order: dict[str, Any]
    trace_id: str
    seconds: float
    idempotency_key: str

    @property
    def order_id(self) -> str:
        """Id of the order."""
        return str(self.order["id"])


@dataclass
class Shopper:
    """One customer with one connection pool; log in or register before ordering. Once logged in, it stays so."""

    base_url: str
    email: str = field(default_factory=lambda: f"visitor-{secrets.token_hex(5)}@example.com")
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)

    def __post_init__(self) -> None:
        self._http = httpx.Client(base_url=self.base_url, timeout=TIMEOUT_SECONDS)
        self.trace_id = ""
        self._refresh_token = ""
        self._renew_at = float("inf")
        # a refresh token is good for one use: several threads must not use it at the same time
        self._renewing = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def request(self, method: str, path: str, *, expect: tuple[int, ...] = (200, 201), **options: Any) -> Any:
        """One request; the JSON body of its answer. An access token that is about to expire is renewed before.

        Raises:
            ShopError: the edge cannot be reached, or the status is not one of `expect`.
        """
        with self._renewing:
            if time.monotonic() > self._renew_at:
                self._renew()
        return self._request(method, path, expect, **options)

    def _request(self, method: str, path: str, expect: tuple[int, ...] = (200, 201), **options: Any) -> Any:
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ShopError(f"{method} {self.base_url}{path}: {error or type(error).__name__}; is it up?") from error
        self.trace_id = response.headers.get("x-trace-id", "")
        if response.status_code not in expect:
            reason, kind = _reason(response)
            raise ShopError(f"{method} {path} answered {response.status_code}: {reason}", kind)
        return response.json() if response.content else None

    def register(self, name: str = "A visitor") -> None:
        """Create the account."""
        self.request("POST", "/users", json={"email": self.email, "password": self.password, "name": name})

    def log_in(self) -> None:
        """Get an access token; requests after this one carry it."""
        self._carry(self._request("POST", "/tokens", json={"email": self.email, "password": self.password}))

    def _renew(self) -> None:
        # an access token on its last seconds would only be in the way
        self._http.headers.pop("Authorization", None)
        try:
            self._carry(self._request("POST", "/tokens/refresh", json={"refresh_token": self._refresh_token}))
        except ShopError:
            # perhaps the answer to an earlier attempt was lost, and with it the token that came next
            self.log_in()

    def _carry(self, answer: dict[str, Any]) -> None:
        self._http.headers["Authorization"] = f"Bearer {answer['access_token']}"
        self._refresh_token = answer["refresh_token"]
        self._renew_at = time.monotonic() + answer["expires_in"] - RENEW_SECONDS

    def products(self, query: str = "", limit: int = 20) -> list[dict[str, Any]]:
        """The first `limit` products of the catalogue whose name contains `query`."""
        parameters: dict[str, str | int] = {"limit": limit, **({"q": query} if query else {})}
        return list(self.request("GET", "/products", params=parameters)["items"])

    def stock_catalogue(self, items: list[dict[str, Any]]) -> dict[str, int]:
        """Create or update products by SKU; needs the scope `products:write`. Returns how many of each."""
        counts = {"created": 0, "updated": 0}
        for begin in range(0, len(items), 100):
            answer = self.request("PUT", "/products", json={"items": items[begin : begin + 100]})
            for name in counts:
                counts[name] += int(answer[name])
        return counts

    def place(self, items: list[tuple[str, int]], *, idempotency_key: str = "") -> Placed:
        """Place an order for (product id, quantity) pairs."""
        key = idempotency_key or uuid.uuid4().hex
        begun = time.monotonic()
        order = self.request(
            "POST",
            "/place-order",
            json={"items": [{"product_id": product, "quantity": quantity} for product, quantity in items]},
            headers={"Idempotency-Key": key},
        )
        return Placed(order, self.trace_id, time.monotonic() - begun, key)

    def order(self, order_id: str) -> dict[str, Any]:
        """An order of this customer's."""
        return dict(self.request("GET", f"/orders/{order_id}"))

    def wait_for(self, order_id: str, *, seconds: float = 30.0) -> dict[str, Any]:
        """The order once it is no longer pending; `ShopError` if it still is after `seconds`."""
        end = time.monotonic() + seconds
        while (order := self.order(order_id))["status"] == "pending":
            if time.monotonic() > end:
                raise ShopError(
                    f"order {order_id} is still pending after {seconds:.0f} s; "
                    "`stormglass queue status` and `stormglass logs worker` tell why"
                )
            time.sleep(0.1)
        return order


def _reason(response: httpx.Response) -> tuple[str, str]:
    """What a problem document says and its kind, or the beginning of whatever else came."""
    try:
        body = response.json()
        detail, kind = str(body["detail"]), str(body.get("type", "")).removeprefix("urn:stormglass:problem:")
        return (f"{detail} (trace {body['trace_id']})" if body.get("trace_id") else detail), kind
    except (ValueError, KeyError, TypeError, AttributeError):
        return response.text[:200] or "no body", ""
