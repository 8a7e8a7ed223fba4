"""Routes of the catalogue: what customers read and what the administrator changes."""

import uuid
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from services.products import cursor, freshness, stock
from services.products.catalogue import Catalogue
from services.products.cursor import Cursor
from services.products.models import Product
from services.products.schemas import ProductOut, ProductPage, ProductsIn, Restock, StockOut, UpsertResult
from stormglass.data.cache import Cache
from stormglass.data.database import Database
from stormglass.security.identity import Identity
from stormglass.service import Problem
from stormglass.service.answers import json_answer, problem_answers
from stormglass.service.cached import cached_response, validated_response
from stormglass.service.caller import CALLER, require_scope

WRITE = "products:write"

_SAME = "The client has this representation already"
_Search = Annotated[str, QueryParameter(max_length=100, pattern=r"^[^\x00]*$", description="Part of the name")]
_After = Annotated[str, QueryParameter(max_length=cursor.MAX_LENGTH, description="`next` of the page before")]
_Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Products on a page")]


@get(
    "/products",
    responses={200: json_answer(ProductPage), **problem_answers(400, 503, s304=_SAME)},
)
async def products(
    request: Request[Any, Any, Any],
    catalogue: NamedDependency[Catalogue],
    q: _Search = "",
    after: _After = "",
    limit: _Limit = 20,
) -> Response[bytes]:
    """The catalogue by name, a page at a time; pages stay right while products come and go."""
    found = await catalogue.page(q.strip(), cursor.read(after) if after else None, limit + 1)
    shown = found[:limit]
    following = cursor.write(Cursor(shown[-1].name, shown[-1].id)) if len(found) > limit else None
    page = ProductPage(items=[_out(each) for each in shown], next=following)
    return validated_response(request, msgspec.json.encode(page), freshness.of_page())


@get(
    "/products/{product_id:uuid}",
    responses={
        200: json_answer(ProductOut),
        **problem_answers(404, 503, s304=_SAME),
    },
)
async def product(
    request: Request[Any, Any, Any],
    product_id: FromPath[uuid.UUID],
    catalogue: NamedDependency[Catalogue],
    product_cache: NamedDependency[Cache],
) -> Response[bytes]:
    """One product, through the cache. If the database fails, the answer may be old: then it carries
    `X-Stormglass-Degraded: stale-cache`, and `Age` tells how old (seconds).
    """  # noqa: D205 - the whole of it is the operation's description

    async def load() -> bytes:
        found = await catalogue.product(product_id)
        if found is None:
            raise Problem(404, "no-such-product", f"there is no product {product_id}")
        return msgspec.json.encode(_out(found))

    cached = await product_cache.get(str(product_id), load)
    told = freshness.of_product(product_id, cached.age)
    return cached_response(request, cached, cache="products", cache_control=freshness.CLIENTS, more=told)


@put("/products", dependencies=CALLER, responses=problem_answers(400, 401, 403, 415, 503))
async def upsert(
    data: JSONBody[ProductsIn],
    caller: NamedDependency[Identity],
    catalogue: NamedDependency[Catalogue],
    product_cache: NamedDependency[Cache],
) -> Response[UpsertResult]:
    """Create or change products by sku, all or nothing. `stock` counts only for those that are new."""
    require_scope(caller, WRITE)
    skus = [item.sku for item in data.items]
    if len(set(skus)) < len(skus):
        twice = sorted({sku for sku in skus if skus.count(sku) > 1})
        raise Problem(400, "duplicate-sku", f"each sku may be named once; more than once: {', '.join(twice)}")
    done = await catalogue.upsert(data.items)
    if done.updated:
        await product_cache.forget(*map(str, done.updated))
    result = UpsertResult(created=len(done.created), updated=len(done.updated))
    return Response(result, headers=freshness.of_change(done.updated))


@post(
    "/products/{product_id:uuid}/restock",
    status_code=200,
    dependencies=CALLER,
    responses=problem_answers(400, 401, 403, 404, 415, 503),
)
async def restock(
    data: JSONBody[Restock],
    product_id: FromPath[uuid.UUID],
    caller: NamedDependency[Identity],
    database: NamedDependency[Database],
) -> StockOut:
    """Put new units of a product in."""
    require_scope(caller, WRITE)
    async with database.transaction() as session:
        now = await stock.add(session, product_id, data.quantity)
    if now is None:
        raise Problem(404, "no-such-product", f"there is no product {product_id}")
    return StockOut(**now.model_dump())


ROUTES = [products, product, upsert, restock]


def _out(found: Product) -> ProductOut:
    return ProductOut(
        id=found.id,
        sku=found.sku,
        name=found.name,
        description=found.description,
        price_cents=found.price_cents,
    )
