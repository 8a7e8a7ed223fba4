from itertools import pairwise

import pytest

from stormglass.topology import BLOCK, MAX_REPLICAS, TOPOLOGY, Edge, Endpoint, Kind, Process, Topology, Use


def process(name: str, *labels: str, **more: object) -> Process:
    endpoints = tuple(Endpoint(label) for label in labels or (name,))
    return Process(name=name, kind=Kind.PROGRAM, endpoints=endpoints, **more)  # type: ignore[arg-type]  # passed on as given


def all_ports(topology: Topology, base: int) -> list[int]:
    listening = [
        port
        for one in topology.processes
        for replica in range(1, one.places + 1)
        for port in topology.listening(one, base, replica).values()
    ]
    return [*listening, *(topology.proxy_port(base, edge) for edge in topology.edges), topology.manager_port(base)]


def test_names_of_replicas_edges_and_labels() -> None:
    assert TOPOLOGY["orders"].replica_name(2) == "orders-2"
    assert TOPOLOGY["postgres"].replica_name(1) == "postgres"
    assert TOPOLOGY.owner("internal").name == "edge"
    names = {edge.name for edge in TOPOLOGY.edges}
    assert {
        "orders→postgres",
        "edge→gateway-1",
        "edge→gateway-6:admin",
        "internal→orders-2",
        "worker→mail-api",
    } <= names
    assert "edge→gateway" not in names
    assert "edge→gateway-7" not in names
    assert "orders" in TOPOLOGY
    assert "nobody" not in TOPOLOGY


def test_every_port_is_the_only_one_and_inside_the_block() -> None:
    ports = all_ports(TOPOLOGY, 20_000)
    assert len(ports) == len(set(ports))
    assert min(ports) == 20_000
    assert max(ports) == 20_000 + BLOCK - 1 == TOPOLOGY.manager_port(20_000)


def test_an_edge_is_found_as_a_person_writes_it() -> None:
    edge = TOPOLOGY.edge("orders→postgres")
    assert (edge.client, edge.process, edge.label, edge.server) == ("orders", "orders", "postgres", "postgres")
    assert TOPOLOGY.edge("orders->postgres") == TOPOLOGY.edge(" orders → postgres ") == edge
    with pytest.raises(KeyError, match="orders→mars"):
        TOPOLOGY.edge("orders→mars")


def test_every_use_of_every_process_is_an_edge_and_nothing_else_is() -> None:
    expected = {
        (one.name, use.label, replica)
        for one in TOPOLOGY.processes
        for use in one.uses
        for replica in (range(1, TOPOLOGY.owner(use.label).places + 1) if use.each_replica else (1,))
    } | {("client", "edge", 1)}
    assert {(edge.process, edge.label, edge.replica) for edge in TOPOLOGY.edges} == expected
    clients = ("client", *(one.name for one in TOPOLOGY.processes))
    assert [edge for client in clients for edge in TOPOLOGY.edges_of(client)] == list(TOPOLOGY.edges)


def test_one_process_and_one_use_more_have_ports_and_a_proxy_without_further_work() -> None:
    more = process("billing", "billing", "billing:admin", scalable=True, replicas=2, uses=(Use("postgres"),))
    grown = Topology((*TOPOLOGY.processes, more), TOPOLOGY.clients)
    assert [edge.name for edge in grown.edges_of("billing")] == ["billing→postgres"]
    ports = all_ports(grown, 20_000)
    assert len(ports) == len(set(ports)) == len(all_ports(TOPOLOGY, 20_000)) + 2 * MAX_REPLICAS + 1
    assert grown.proxy_port(20_000, grown.edge("billing→postgres")) in ports
    assert grown.port(20_000, "billing", 2) != grown.port(20_000, "billing", 1)


def test_each_layer_needs_only_the_layers_before_it() -> None:
    done: set[str] = set()
    layers = TOPOLOGY.layers()
    for layer in layers:
        for one in layer:
            assert set(TOPOLOGY.needs(one)) <= done
        done |= {one.name for one in layer}
    assert done == {one.name for one in TOPOLOGY.processes}
    assert len(layers) < len(TOPOLOGY.processes), "independent processes start together"
    assert all(layers)
    assert all({a.name for a in first} & {b.name for b in second} == set() for first, second in pairwise(layers))


def test_layers_of_a_part_do_not_wait_for_what_is_not_in_it() -> None:
    assert [[one.name for one in layer] for layer in TOPOLOGY.layers({"orders", "redis"})] == [["redis"], ["orders"]]
    assert [[one.name for one in layer] for layer in TOPOLOGY.layers({"orders"})] == [["orders"]]


def test_the_fault_proxy_comes_before_everybody_who_does_not_say_so() -> None:
    assert [one.name for one in TOPOLOGY.layers()[0]] == ["faultproxy"]
    later = process("later", starts_after=("earlier",))
    proxy = Process(name="proxy", kind=Kind.FAULTPROXY, endpoints=(Endpoint("api"),), starts_after=("earlier",))
    with pytest.raises(ValueError, match="wait for each other"):
        Topology((process("earlier"), later, proxy))
    keeper = process("undo", starts_after=("proxy",))
    grown = Topology((process("a"), keeper, Process(name="proxy", kind=Kind.FAULTPROXY, endpoints=(Endpoint("api"),))))
    assert grown.needs(grown["a"]) == grown.needs(keeper) == ("proxy",)
    assert grown.faults == {"proxy", "undo"}


@pytest.mark.parametrize(
    ("processes", "complaint"),
    [
        ((process("a"), process("a", "b")), "2 processes are called a"),
        ((process("a", "x"), process("b", "x")), "2 endpoints are called x"),
        ((process("a", uses=(Use("b"), Use("b"))), process("b")), "2 edges are called a→b"),
        ((process("a", uses=(Use("mars"),)),), "a uses mars, which no process listens on"),
        ((process("a", starts_after=("mars",)),), "a starts after mars, which does not exist"),
        ((process("a", starts_after=("b",)), process("b", starts_after=("a",))), "wait for each other: a, b"),
        ((process("a", replicas=2),), "a has 2 replicas, and places for 1"),
        ((process("a", replicas=7, scalable=True),), "a has 7 replicas, and places for 6"),
        ((process("a", shared_databases=("b",)), process("b")), "shares the database of b, which has none"),
        (tuple(process(f"p{n}") for n in range(BLOCK)), f"{BLOCK + 1} ports are needed, a block has {BLOCK}"),
    ],
)
def test_a_topology_that_cannot_work_is_refused(processes: tuple[Process, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Topology(processes)


def test_a_block_may_be_full() -> None:
    full = Topology(tuple(process(f"p{n}") for n in range(BLOCK - 1)))
    assert len(set(all_ports(full, 0))) == BLOCK


def test_clients_tell_replicas_apart_only_where_they_say_so() -> None:
    assert Edge(client="a", process="a", label="b", server="b").name == "a→b"
    one = Topology((process("a", uses=(Use("b:admin", each_replica=True),)), process("b", "b:admin")))
    assert [edge.name for edge in one.edges] == ["a→b:admin"], "a server with one place has no number"
