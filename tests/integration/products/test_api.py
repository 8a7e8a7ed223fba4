"""Catalogue and reservations, as their callers see them."""

import uuid

import pytest

from stormglass.data.database import Database
from tests.integration.products.client import ADMINISTRATOR, ORDERS, Client
from tests.integration.products.shop import Units, counted, make_due, stock_up
from tests.integration.products.waiting import until

CUSTOMER = (str(uuid.uuid4()), ("orders:read", "orders:write", "profile:read"))


def item(**changes: object) -> dict[str, object]:
    tag = uuid.uuid4().hex[:10].upper()
    base = {"sku": f"A-{tag}", "name": f"Lens {tag}", "description": "ground", "price_cents": 250, "stock": 7}
    return {**base, **changes}


def order(product: uuid.UUID | str, quantity: int = 1, order_id: str = "") -> dict[str, object]:
    items = [{"product_id": str(product), "quantity": quantity}]
    return {"order_id": order_id or str(uuid.uuid4()), "items": items}


async def listed(products: Client, query: str, limit: int) -> list[str]:
    """Names of all pages of a search."""
    names: list[str] = []
    after = ""
    while True:
        page = (await products.call("GET", f"/products?q={query}&limit={limit}&after={after}")).body
        assert len(page["items"]) <= limit
        names += [each["name"] for each in page["items"]]
        if page["next"] is None:
            return names
        after = page["next"]


async def test_pages_hold_every_product_once_in_order(products: Client) -> None:
    tag = uuid.uuid4().hex[:10]
    names = [f"{tag} {letter}" for letter in "cabbadéZ"]  # two pairs of the same name: the id decides
    body = {"items": [item(name=name) for name in names]}
    done = await products.call("PUT", "/products", body, who=ADMINISTRATOR)
    assert done.body == {"created": len(names), "updated": 0}
    for limit in (1, 3, len(names), 100):
        assert await listed(products, tag.upper(), limit) == sorted(names)


async def test_a_search_takes_wildcards_literally(products: Client) -> None:
    tag = uuid.uuid4().hex[:10]
    body = {"items": [item(name=f"{tag} 100%_proof"), item(name=f"{tag} 100 proof")]}
    await products.call("PUT", "/products", body, who=ADMINISTRATOR)
    assert await listed(products, f"{tag}%20100%25_", 10) == [f"{tag} 100%_proof"]


@pytest.mark.parametrize(
    "query", ["after=zzz", "after=AAAA", "limit=0", "limit=101", "limit=x", "q=%00", f"q={'x' * 101}"]
)
async def test_a_bad_query_is_refused(query: str, products: Client) -> None:
    assert (await products.call("GET", f"/products?{query}")).status == 400


async def test_a_product_is_cached_and_validated_by_its_etag(products: Client, database: Database) -> None:
    (lens,) = await stock_up(database, 1)
    first = await products.call("GET", f"/products/{lens}", replica=1)
    second = await products.call("GET", f"/products/{lens}", replica=2)
    assert first.headers["Cache-Status"] == "products; fwd=miss; stored"
    assert second.headers["Cache-Status"] == "products; hit"
    assert second.raw == first.raw
    assert second.headers["ETag"] == first.headers["ETag"]
    known = {"If-None-Match": f'W/"other", {first.headers["ETag"]}'}
    validated = await products.call("GET", f"/products/{lens}", headers=known)
    assert (validated.status, validated.raw) == (304, b"")
    assert (await products.call("GET", f"/products/{uuid.uuid4()}")).problem == "no-such-product"


async def test_an_upsert_changes_everything_but_stock_and_invalidates(products: Client, database: Database) -> None:
    one = item()
    await products.call("PUT", "/products", {"items": [one]}, who=ADMINISTRATOR)
    page = (await products.call("GET", f"/products?q={one['name']}")).body
    product_id = page["items"][0]["id"]
    before = await products.call("GET", f"/products/{product_id}")
    again = item(sku=one["sku"], name=f"{one['name']} II", price_cents=990, stock=10_000)
    done = await products.call("PUT", "/products", {"items": [again]}, who=ADMINISTRATOR, replica=2)
    assert done.body == {"created": 0, "updated": 1}
    after = await products.call("GET", f"/products/{product_id}")
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.body == {**before.body, "name": again["name"], "price_cents": 990}
    assert await counted(database, [uuid.UUID(product_id)]) == {uuid.UUID(product_id): Units(7, 0, 0)}

    twice = await products.call("PUT", "/products", {"items": [item(sku="A-1"), item(sku="A-1")]}, who=ADMINISTRATOR)
    assert (twice.status, twice.problem) == (400, "duplicate-sku")


async def test_restocking_adds_to_available_and_initial(products: Client, database: Database) -> None:
    (lens,) = await stock_up(database, 1)
    done = await products.call("POST", f"/products/{lens}/restock", {"quantity": 4}, who=ADMINISTRATOR)
    assert done.body == {"product_id": str(lens), "available": 5, "reserved": 0, "sold": 0, "initial": 5}
    missing = await products.call("POST", f"/products/{uuid.uuid4()}/restock", {"quantity": 4}, who=ADMINISTRATOR)
    assert missing.status == 404


async def test_writes_need_the_scope_and_reservations_a_service(products: Client, database: Database) -> None:
    (lens,) = await stock_up(database, 1)
    writes = [("PUT", "/products", {"items": [item()]}), ("POST", f"/products/{lens}/restock", {"quantity": 1})]
    internal = [
        ("POST", "/reservations", order(lens)),
        ("GET", f"/products/{lens}/availability", None),
        ("GET", f"/reservations/{uuid.uuid4()}", None),
        ("POST", f"/reservations/{uuid.uuid4()}/confirm", None),
        ("POST", f"/reservations/{uuid.uuid4()}/release", None),
    ]
    for method, path, body in writes + internal:
        assert (await products.call(method, path, body)).status == 401
        assert (await products.call(method, path, body, who=CUSTOMER)).status == 403
    assert await counted(database, [lens]) == {lens: Units(1, 0, 0)}


async def test_the_life_of_a_reservation(products: Client, database: Database) -> None:
    (lens,) = await stock_up(database, 5)
    body = order(lens, 3)
    made = await products.call("POST", "/reservations", body, who=ORDERS)
    assert made.status == 201
    (line,) = made.body["items"]
    assert (line["product_id"], line["quantity"], line["unit_price_cents"]) == (str(lens), 3, 100)
    path = f"/reservations/{made.body['id']}"
    assert (await products.call("GET", path, who=ORDERS, replica=2)).body == made.body
    assert (await products.call("POST", "/reservations", body, who=ORDERS, replica=2)).body == made.body
    other = await products.call("POST", "/reservations", order(lens, 1, str(body["order_id"])), who=ORDERS)
    assert (other.status, other.problem) == (409, "reservation-differs")
    left = await products.call("GET", f"/products/{lens}/availability", who=ORDERS)
    assert (left.body["available"], left.body["price_cents"]) == (2, 100)

    for _ in range(2):
        released = await products.call("POST", f"{path}/release", who=ORDERS)
        assert (released.status, released.body["status"]) == (200, "released")
    assert (await products.call("POST", f"{path}/confirm", who=ORDERS)).problem == "reservation-expired"
    assert await counted(database, [lens]) == {lens: Units(5, 0, 0)}

    anew = await products.call("POST", "/reservations", body, who=ORDERS)
    assert anew.status == 201
    assert anew.body["id"] != made.body["id"]
    for _ in range(2):
        sold = await products.call("POST", f"/reservations/{anew.body['id']}/confirm", who=ORDERS)
        assert (sold.status, sold.body["status"]) == (200, "confirmed")
    refused = await products.call("POST", f"/reservations/{anew.body['id']}/release", who=ORDERS)
    assert (refused.status, refused.problem) == (409, "reservation-confirmed")
    assert await counted(database, [lens]) == {lens: Units(2, 0, 3)}
    assert (await products.call("GET", f"/reservations/{uuid.uuid4()}", who=ORDERS)).status == 404


async def test_what_is_overdue_cannot_be_confirmed_and_is_swept(products: Client, database: Database) -> None:
    (lens,) = await stock_up(database, 5)
    made = (await products.call("POST", "/reservations", order(lens, 2), who=ORDERS)).body
    await make_due(database, uuid.UUID(made["order_id"]))
    late = await products.call("POST", f"/reservations/{made['id']}/confirm", who=ORDERS)
    assert (late.status, late.problem) == (409, "reservation-expired")

    async def over() -> str:
        status = (await products.call("GET", f"/reservations/{made['id']}", who=ORDERS)).body["status"]
        return "" if status == "held" else str(status)

    assert await until(over) == "expired"
    assert await counted(database, [lens]) == {lens: Units(5, 0, 0)}


async def test_an_overdue_reservation_makes_room_for_its_own_order(products: Client, database: Database) -> None:
    (lens,) = await stock_up(database, 2)
    body = order(lens, 2)
    made = (await products.call("POST", "/reservations", body, who=ORDERS)).body
    await make_due(database, uuid.UUID(made["order_id"]))
    anew = await products.call("POST", "/reservations", body, who=ORDERS)
    assert anew.status == 201
    assert anew.body["id"] != made["id"]
    assert await counted(database, [lens]) == {lens: Units(0, 2, 0)}


async def test_all_or_nothing_and_every_shortage_is_named(products: Client, database: Database) -> None:
    plenty, scarce = await stock_up(database, 100, 1)
    unknown = uuid.uuid4()
    items = [{"product_id": str(each), "quantity": 2} for each in (plenty, scarce, unknown)]
    body = {"order_id": str(uuid.uuid4()), "items": items}
    refused = await products.call("POST", "/reservations", body, who=ORDERS)
    assert (refused.status, refused.problem) == (409, "insufficient-stock")
    named = {each["product_id"]: each["available"] for each in refused.body["products"]}
    assert named == {str(scarce): 1, str(unknown): 0}
    assert await counted(database, [plenty, scarce]) == {plenty: Units(100, 0, 0), scarce: Units(1, 0, 0)}


@pytest.mark.parametrize(
    "change",
    [
        {"price_cents": -1},
        {"price_cents": 1.5},
        {"stock": -1},
        {"sku": "lower"},
        {"name": ""},
        {"name": "a\n"},
        {"sku": "A-1\n"},
        {"x": 1},
    ],
)
async def test_a_malformed_product_is_refused(change: dict[str, object], products: Client) -> None:
    refused = await products.call("PUT", "/products", {"items": [item(**change)]}, who=ADMINISTRATOR)
    assert (refused.status, refused.problem) == (400, "invalid-request")
    assert refused.body["errors"]
