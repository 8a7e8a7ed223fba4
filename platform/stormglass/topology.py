"""Which processes exist, how many of each, where they listen, and who talks to whom: the one source.

Everything else is derived from `TOPOLOGY`: the native processes, Traefik's configuration, Prometheus' targets, one
fault proxy per edge, the rows of the chaos matrix. An *edge* is one client talking to one listening endpoint; programs
look addresses up by edge, never by server, so that a fault proxy can be put on any edge without telling either side.
How that is derived is in `graph.py`; what is declared is here.
"""

from stormglass.graph import BLOCK, MAX_REPLICAS, Edge, Endpoint, Kind, Process, Topology, Use

__all__ = ["BLOCK", "MAX_REPLICAS", "TOPOLOGY", "Edge", "Endpoint", "Kind", "Process", "Topology", "Use"]


def _admin(name: str) -> Endpoint:
    return Endpoint(f"{name}:admin")


def _service(
    name: str,
    *,
    replicas: int,
    uses: tuple[str, ...],
    starts_after: tuple[str, ...],
    paths: tuple[str, ...] = (),
    migrations: str = "",
) -> Process:
    """A Litestar service: traffic on one port, health and metrics on another that no balancer publishes."""
    return Process(
        name=name,
        kind=Kind.APP,
        target=f"services.{name}.app:create_app",
        endpoints=(Endpoint(name), _admin(name)),
        replicas=replicas,
        scalable=True,
        uses=(*(Use(label) for label in uses), Use("traces")),
        starts_after=starts_after,
        paths=paths,
        database=bool(migrations),
        migrations=migrations,
        drain_seconds=1.5,
    )


def _balanced(service: Process, client: str) -> tuple[Use, ...]:
    """Traefik sends requests to every replica and asks each one's health on its admin port."""
    return tuple(Use(endpoint.label, each_replica=True, client=client) for endpoint in service.endpoints)


_GATEWAY = _service("gateway", replicas=2, uses=("redis", "internal"), starts_after=("redis",))

_SERVICES = (
    _service(
        "users",
        replicas=1,
        uses=("postgres", "redis"),
        starts_after=("postgres", "redis"),
        paths=("/users", "/tokens", "/sessions", "/api-keys", "/credentials", "/.well-known/jwks.json"),
        migrations="services.users.migrations",
    ),
    _service(
        "products",
        replicas=2,
        uses=("postgres", "redis"),
        starts_after=("postgres", "redis"),
        paths=("/products", "/reservations"),
        migrations="services.products.migrations",
    ),
    _service(
        "orders",
        replicas=2,
        uses=("postgres", "redis", "internal"),
        starts_after=("postgres", "redis"),
        paths=("/orders",),
        migrations="services.orders.migrations",
    ),
)

_WORKER = Process(
    name="worker",
    kind=Kind.PROGRAM,
    target="worker.main",
    endpoints=(_admin("worker"),),
    replicas=2,
    scalable=True,
    uses=(
        Use("postgres"),
        Use("redis"),
        Use("internal"),
        Use("mail"),
        Use("mail-api"),
        Use("traces"),
    ),
    starts_after=("postgres", "redis"),
    database=True,
    shared_databases=("orders",),
    migrations="worker.migrations",
    stop_seconds=20.0,
)

_SCRAPED = ("edge", *(process.name for process in (_GATEWAY, *_SERVICES, _WORKER)))

TOPOLOGY = Topology(
    clients=(Use("edge"),),
    processes=(
        Process(
            name="edge",
            kind=Kind.TRAEFIK,
            endpoints=(Endpoint("edge"), Endpoint("internal"), _admin("edge")),
            uses=(
                *_balanced(_GATEWAY, "edge"),
                *(use for service in _SERVICES for use in _balanced(service, "internal")),
                Use("traces"),
            ),
            stop_seconds=15.0,
        ),
        Process(
            name="keeper",
            kind=Kind.PROGRAM,
            target="stormglass.runtime.keeper",
            endpoints=(_admin("keeper"),),
        ),
        Process(
            name="faultproxy",
            kind=Kind.FAULTPROXY,
            target="chaos.faultproxy",
            endpoints=(Endpoint("toxiproxy"),),
        ),
        Process(
            name="faults",
            kind=Kind.APP,
            target="chaos.keeper.app:create_app",
            endpoints=(Endpoint("faults"), _admin("faults")),
            # said here, for it has no sense where there is no proxy; what it does, it does past all proxies
            starts_after=("faultproxy",),
        ),
        Process(name="postgres", kind=Kind.POSTGRES, endpoints=(Endpoint("postgres", "tcp"),), stop_seconds=30.0),
        Process(name="redis", kind=Kind.REDIS, endpoints=(Endpoint("redis", "tcp"),), stop_seconds=30.0),
        Process(
            name="traces",
            kind=Kind.APP,
            target="observability.traces.app:create_app",
            endpoints=(Endpoint("traces"), _admin("traces")),
        ),
        Process(
            name="mail",
            kind=Kind.APP,
            target="worker.mailsink.app:create_app",
            endpoints=(Endpoint("mail-api"), _admin("mail"), Endpoint("mail", "tcp")),
        ),
        Process(
            name="prometheus",
            kind=Kind.PROMETHEUS,
            endpoints=(Endpoint("prometheus"),),
            uses=(
                *(Use(f"{name}:admin", each_replica=True) for name in _SCRAPED),
                Use("traces:admin"),
                Use("mail:admin"),
                Use("keeper:admin"),
                Use("toxiproxy"),
                Use("faults:admin"),
                Use("postgres-exporter"),
                Use("redis-exporter"),
                Use("alertmanager"),
            ),
            optional=True,
        ),
        Process(
            name="alertmanager",
            kind=Kind.ALERTMANAGER,
            endpoints=(Endpoint("alertmanager"),),
            optional=True,
        ),
        Process(
            name="postgres-exporter",
            kind=Kind.POSTGRES_EXPORTER,
            endpoints=(Endpoint("postgres-exporter"),),
            uses=(Use("postgres"),),
            optional=True,
        ),
        Process(
            name="redis-exporter",
            kind=Kind.REDIS_EXPORTER,
            endpoints=(Endpoint("redis-exporter"),),
            uses=(Use("redis"),),
            optional=True,
        ),
        *_SERVICES,
        _GATEWAY,
        _WORKER,
    ),
)
