"""Traefik: the edge in front of the gateways, and the internal balancer in front of the services' replicas."""

from typing import Any

import yaml

from stormglass.runtime.instance import Instance
from stormglass.runtime.render import canary, journeys
from stormglass.topology import Edge, Process

Tree = dict[str, Any]

INTERNAL_HEADER_SECONDS = 1.0
"""Longest wait for a service's first header. It bounds how long a frozen replica is noticed by users; a slow one is
ejected too, so it stays well above the p99 of a busy two-core machine (passwords are hashed in up to 0.3 s)."""

EDGE_HEADER_SECONDS = 1.5
"""The same for a gateway: longer, so that it can still answer after the internal balancer gave up on a replica."""

DIAL_SECONDS = 0.3
"""A connection on a healthy network is there in a few ms; a blackholed one is given up soon enough to try another."""

HEALTH = {"path": "/readyz", "interval": "200ms", "timeout": "1s"}
"""A replica that died is out after 0.2 s, a frozen one after 1.2 s, whatever users do meanwhile.

With a time-out of 0.2 s a frozen one would be out after 0.3 s; but on a two-core machine with a load of 20 one check in
five took longer than that, all replicas were out at once, and requests failed although nothing was broken.
"""

PASSIVE = {"failureWindow": "2s", "maxFailedAttempts": 3}
"""Between the services: what users see takes a replica out sooner, and only until the active check has had its say.

Traefik counts every answer from 500 up as a failure, and a success forgets the failures before it. With one attempt and
10 s, twenty 503 a second on one path made four of five requests to all other paths fail ("no available server"); with
three in a row there were none, and after a SIGKILL still only 2 to 9 of some 10,000 requests failed, all within 10 ms.

Not at the edge: Traefik also counts a request whose client went away before it was passed on. Twenty connections that
were closed at once, five times a second, made every seventh request of everybody else fail ("no available server").
Inside, the client is a gateway, which waits for what it asked.
"""

RETRY = {"attempts": 6, "initialInterval": "10ms"}
"""After network errors only, and only what may be repeated: a request that was never sent, or a method that is
idempotent (`retryNonIdempotentMethod` stays false). The balancer's turns are shared by all requests, so an attempt
meets the dead one of two replicas with probability 1/2: three attempts left 12 % failing, six leave 2 %."""

RETRY_INTERNAL = {**RETRY, "status": ["504"]}
"""Between the services also after a time-out of ours, so that a read which met a frozen replica is answered by another:
0.3 s are left of the gateway's patience then, which bounds it to one more attempt. Not at the edge: there a 504 may be
the gateway's own word about a slow service, and asking again would double the load on what is slow already."""

MIDDLEWARES = {"edge": ["client-headers", "body", "retry"], "internal": ["retry-internal"]}
"""What a request passes on each entry point, in this order."""

NOT_FROM_CLIENTS = ("X-Request-Timeout-Ms",)
"""Removed at the edge. A deadline that a client may choose is an error 504 that it may choose, and three of those in a
row take whoever answers them out for everybody (`PASSIVE`); the internal balancer would ask again for each, too."""

BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10]
"""Seconds. Traefik's own (0.1, 0.3, 1.2, 5) hide everything that happens below a tenth of a second."""

BODY: Tree = {
    "maxRequestBodyBytes": 2 * 1024 * 1024,
    "memRequestBodyBytes": 64 * 1024,
    "disableResponseBuffer": True,
}
"""A request's body is received whole before a gateway hears of the request; more than 64 KiB wait in a file, answers
stream as ever. Traefik takes a body that its client broke off, or spoiled, for a failure of whoever was to read it: an
answer 500, counted by the passive check. Passed on as they came, three requests with a malformed chunk took both
gateways out for two seconds, and a body broken off behind them would do that to a service. Twice the largest body that
a route takes (1 MiB), so that it is the gateway that refuses what is somewhat too large, with a problem document."""

MAX_HEADER_BYTES = 32 * 1024
"""As in `HttpSettings.max_header_bytes`: what the services refuse need not travel that far."""


def static(instance: Instance) -> str:
    """What Traefik reads once: entry points, providers, telemetry."""
    config: Tree = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"level": "INFO", "format": "json", "noColor": True},
        "entryPoints": {
            "edge": _entry_point(instance, "edge", traced=True),
            "internal": _entry_point(instance, "internal", traced=True),
            "admin": _entry_point(instance, "edge:admin", traced=False),
        },
        "providers": {
            "providersThrottleDuration": "100ms",
            "file": {"filename": str(instance.config / "traefik-dynamic.yml"), "watch": True},
        },
        "ping": {"entryPoint": "admin"},
        "api": {"dashboard": True, "insecure": False},
        "metrics": {
            "prometheus": {
                "entryPoint": "admin",
                "buckets": BUCKETS,
                "addEntryPointsLabels": True,
                "addRoutersLabels": True,
                "addServicesLabels": True,
            }
        },
        "tracing": {
            "serviceName": "edge",
            "sampleRate": instance.sample_ratio,
            "addInternals": False,
            "otlp": {"http": {"endpoint": f"http://{_traces(instance)}/v1/traces"}},
        },
    }
    return yaml.safe_dump(config, sort_keys=False)


def _traces(instance: Instance) -> str:
    (edge,) = (e for e in instance.topology.edges_of("edge") if e.label == "traces")
    return instance.edge_address(edge)


def _entry_point(instance: Instance, label: str, *, traced: bool) -> Tree:
    return {
        "address": instance.listen_address(label),
        # nobody in front of the edge may speak for a client, and the gateway sets its own headers inside
        "forwardedHeaders": {"insecure": False},
        "http": {
            "maxHeaderBytes": MAX_HEADER_BYTES,
            "sanitizePath": True,
            # the defaults, written down: what routers, caches and services may read differently is refused
            "encodedCharacters": {
                "allowEncodedSlash": False,
                "allowEncodedBackSlash": False,
                "allowEncodedNullCharacter": False,
                "allowEncodedSemicolon": False,
                "allowEncodedPercent": False,
                "allowEncodedQuestionMark": False,
                "allowEncodedHash": False,
            },
        },
        "transport": {
            "lifeCycle": {"requestAcceptGraceTimeout": "0s", "graceTimeOut": "5s"},
            # a request has 20 s to arrive (1 MiB at 420 kbit/s); then there are 10 s, as long as a route gives itself
            # until its answer must be out: who reads no faster holds nothing for longer
            "respondingTimeouts": {"readTimeout": "20s", "writeTimeout": "30s", "idleTimeout": "90s"},
        },
        "observability": {
            "accessLogs": False,
            "metrics": traced,
            "tracing": traced,
            "traceVerbosity": "minimal",
        },
    }


def dynamic(instance: Instance) -> str:
    """What Traefik re-reads when it changes: routers, and one service per replica under a weighted one."""
    edges = {edge.name: edge for edge in instance.topology.edges_of("edge") if edge.each_replica}
    balanced = {e.client + "/" + e.label: e for e in edges.values() if not e.label.endswith(":admin")}
    services: Tree = {canary.NOBODY: {"loadBalancer": {"servers": []}}}
    routers: Tree = {
        "dashboard": {
            "rule": "PathPrefix(`/api`) || PathPrefix(`/dashboard`)",
            "entryPoints": ["admin"],
            "service": "api@internal",
        }
    }
    for edge in balanced.values():
        process = instance.topology.owner(edge.label)
        names = [
            _replica(services, instance, edges, edge, process, number)
            for number in range(1, instance.replicas_of(process) + 1)
        ]
        weights = zip(names, canary.weights(instance, names), strict=True)
        services[process.name] = {
            "weighted": {"healthCheck": {}, "services": [{"name": name, "weight": weight} for name, weight in weights]}
        }
        router = {
            "rule": " || ".join(f"PathPrefix(`{path}`)" for path in process.paths or ("/",)),
            "entryPoints": [edge.client],
            "middlewares": MIDDLEWARES[edge.client],
            "service": process.name,
        }
        routers[process.name] = router
        if edge.client == "internal":
            routers |= canary.routers(router, process.name, names)
        else:
            routers |= journeys.routers(router)
    config = {
        "http": {
            "routers": routers,
            "middlewares": {
                "body": {"buffering": BODY},
                "client-headers": {"headers": {"customRequestHeaders": dict.fromkeys(NOT_FROM_CLIENTS, "")}},
                "retry": {"retry": RETRY},
                "retry-internal": {"retry": RETRY_INTERNAL},
            },
            "services": services,
            "serversTransports": {
                "edge": _transport(EDGE_HEADER_SECONDS),
                "internal": _transport(INTERNAL_HEADER_SECONDS),
            },
        }
    }
    return yaml.safe_dump(config, sort_keys=False)


def _replica(
    services: Tree, instance: Instance, edges: dict[str, Edge], edge: Edge, process: Process, number: int
) -> str:
    """One server with its own health check, so that traffic and health edges can be broken one by one."""
    name = process.replica_name(number)
    traffic = instance.edge_address(edges[f"{edge.client}→{name}"])
    health = instance.edge_address(edges[f"{edge.client}→{name}:admin"])
    balancer: Tree = {
        "servers": [{"url": f"http://{traffic}"}],
        "serversTransport": edge.client,
        "healthCheck": {**HEALTH, "port": int(health.rpartition(":")[2])},
    }
    if edge.client != "edge" and instance.replicas_of(process) > 1:
        # ejecting the only replica after one slow answer would make an outage of it
        balancer["passiveHealthCheck"] = PASSIVE
    services[name] = {"loadBalancer": balancer}
    return name


def _transport(header_seconds: float) -> Tree:
    return {
        "forwardingTimeouts": {
            "dialTimeout": f"{DIAL_SECONDS:g}s",
            "responseHeaderTimeout": f"{header_seconds:g}s",
            "idleConnTimeout": "60s",  # shorter than the 75 s after which our servers close an idle connection
        }
    }
