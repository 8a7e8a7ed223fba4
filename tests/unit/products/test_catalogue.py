from pathlib import Path

import msgspec

from services import products
from services.products.schemas import ProductIn, ProductsIn

FILE = Path(products.__file__).with_name("catalogue.json")


def test_the_catalogue_is_what_the_service_accepts_in_one_request() -> None:
    goods = msgspec.json.decode(FILE.read_bytes(), type=list[ProductIn])
    assert len(goods) >= 60
    assert len({each.sku for each in goods}) == len(goods)
    assert len({each.name for each in goods}) == len(goods)
    assert min(each.stock for each in goods) >= 500
    assert min(each.price_cents for each in goods) > 0
    assert all(each.description for each in goods)
    msgspec.json.decode(b'{"items":' + FILE.read_bytes() + b"}", type=ProductsIn)
