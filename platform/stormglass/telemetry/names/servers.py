"""Who serves a metric: processes of the topology by what they have in common."""

SERVICES = ("gateway", "users", "products", "orders")
"""What the load balancer sends requests to."""

TRACED = (*SERVICES, "worker")
"""What exports spans."""

HTTP = (*SERVICES, "traces", "mail", "faults")
"""What answers HTTP requests on a port for traffic."""

PROCESSES = (*HTTP, "worker")
"""What has an event loop and the platform's admin port: every process of ours but the two small ones below."""

PYTHON = (*PROCESSES, "keeper")
"""Every process of ours; the fault proxy serves what Toxiproxy does."""

WITH_DATABASE = ("users", "products", "orders", "worker")
"""What opens a pool of connections to Postgres."""

GROUPS = {
    "every service": SERVICES,
    "every process that exports spans": TRACED,
    "every HTTP server": HTTP,
    "every process with an event loop": PROCESSES,
    "every process": PYTHON,
    "every process, fault proxy included": (*PYTHON, "faultproxy"),
    "whoever has a database": WITH_DATABASE,
}
"""How documentation calls them."""
