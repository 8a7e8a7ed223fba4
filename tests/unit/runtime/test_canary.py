"""A canary as it is recorded, and as it is rendered."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from stormglass.runtime.instance import Instance, load
from stormglass.runtime.render import traefik
from stormglass.topology import TOPOLOGY

PRODUCTS = TOPOLOGY["products"]


def _http(instance: Instance) -> dict[str, Any]:
    return dict(yaml.safe_load(traefik.dynamic(instance))["http"])


def _weights(instance: Instance, name: str = "products") -> dict[str, int]:
    return {each["name"]: each["weight"] for each in _http(instance)["services"][name]["weighted"]["services"]}


def test_without_a_canary_all_replicas_weigh_the_same(instance: Instance) -> None:
    assert _weights(instance) == {"products-1": 1, "products-2": 1}


@pytest.mark.parametrize("percent", [0, 5, 50, 99, 100])
@pytest.mark.parametrize("replicas", [2, 3, 6])
def test_a_canary_gets_its_percentage_and_the_others_share_the_rest(
    instance: Instance, replicas: int, percent: int
) -> None:
    changed = instance.scaled(PRODUCTS, replicas).with_canary(PRODUCTS, 2, percent)
    weights = _weights(changed)
    total = sum(weights.values())
    assert weights.pop("products-2") * 100 == percent * total
    assert len(weights) == replicas - 1
    assert len(set(weights.values())) == 1
    assert _weights(changed, "orders") == {"orders-1": 1, "orders-2": 1}


def test_a_canary_is_recorded_replaced_and_forgotten(instance: Instance) -> None:
    gateway = TOPOLOGY["gateway"]
    instance.with_canary(PRODUCTS, 2, 5).with_canary(gateway, 1, 10).with_canary(PRODUCTS, 1, 7).save()
    assert load("unit").canaries == {"gateway-1": 10, "products-1": 7}
    load("unit").with_canary(PRODUCTS, None).save()
    assert load("unit").canaries == {"gateway-1": 10}


def test_an_instance_of_before_there_were_canaries_is_read(instance: Instance) -> None:
    record = instance.directory / "instance.json"
    record.write_text('{"base_port": 24500, "replicas": {}, "direct": false}')
    assert load("unit").canaries == {}


def test_a_canary_ends_with_its_replica_and_where_nobody_is_left_to_share_with(instance: Instance) -> None:
    three = instance.scaled(PRODUCTS, 3)
    assert three.with_canary(PRODUCTS, 3, 5).scaled(PRODUCTS, 2).canaries == {}
    assert three.with_canary(PRODUCTS, 2, 5).scaled(PRODUCTS, 2).canaries == {"products-2": 5}
    assert three.with_canary(PRODUCTS, 1, 5).scaled(PRODUCTS, 1).canaries == {}


def test_only_the_internal_entry_point_follows_a_name(instance: Instance) -> None:
    http = _http(instance)
    named = {name: router for name, router in http["routers"].items() if "X-Stormglass-Canary" in router["rule"]}
    expected = ("users-1", "users", "products-1", "products-2", "products", "orders-1", "orders-2", "orders")
    assert sorted(named) == sorted(f"{name}-by-name" for name in expected)
    assert {tuple(router["entryPoints"]) for router in named.values()} == {("internal",)}
    for name, router in named.items():
        asked = name.removesuffix("-by-name")
        process = asked.partition("-")[0]
        plain = http["routers"][process]
        assert router["service"] == (asked if "-" in asked else "nobody")
        assert plain["rule"] in router["rule"]
        assert router["middlewares"] == plain["middlewares"]
        assert router["priority"] > len(plain["rule"])
    assert named["products-2-by-name"]["priority"] > named["products-by-name"]["priority"]


def test_a_direct_instance_has_canaries_too(instance: Instance) -> None:
    direct = replace(instance, direct=True).with_canary(PRODUCTS, 1, 20)
    assert _weights(direct) == {"products-1": 20, "products-2": 80}
