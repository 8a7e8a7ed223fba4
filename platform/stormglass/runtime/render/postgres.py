"""PostgreSQL: loopback only, passwords only, every role locked into its own database, durable commits."""

from stormglass.runtime.instance import Instance
from stormglass.runtime.network import HOST
from stormglass.topology import Kind, Topology

SOCKETS = "/var/run/postgresql"
"""Where the container image's own start looks for the server; natively there is no socket."""


def config(instance: Instance) -> str:
    """`postgresql.conf`."""
    return f"""\
# Rendered by stormglass; changes are lost.
listen_addresses = '{instance.network.listen_host}'
port = {instance.port("postgres")}
unix_socket_directories = '{"" if instance.managed else SOCKETS}'
password_encryption = scram-sha-256

# An order that was acknowledged survives a power cut.
fsync = on
synchronous_commit = on
full_page_writes = on

# Up to six replicas of four services with pools of ten do not connect all at once.
max_connections = 120
shared_buffers = 64MB
work_mem = 4MB
maintenance_work_mem = 32MB
max_wal_size = 256MB
min_wal_size = 80MB
# Two cores and small tables: fewer helper processes, less memory.
io_method = sync
max_parallel_workers = 0
max_logical_replication_workers = 0
max_wal_senders = 0
wal_level = minimal
jit = off

# A client that vanished must not keep its locks for hours.
tcp_keepalives_idle = 10
tcp_keepalives_interval = 5
tcp_keepalives_count = 3
idle_in_transaction_session_timeout = 30s

log_destination = stderr
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = UTC
timezone = UTC
log_checkpoints = off
"""


def hba(instance: Instance) -> str:
    """`pg_hba.conf`: who is not listed is refused."""
    topology = instance.topology
    rights = [("all", "postgres")]
    for process in topology.processes:
        rights += [(name, process.name) for name in databases_of(topology, process.name)]
        if process.kind is Kind.POSTGRES_EXPORTER:
            rights.append(("postgres", process.name))
    near = f"{HOST}/32" if instance.managed else "samenet"
    rows = [f"host {database} {role} {near} scram-sha-256" for database, role in rights]
    if not instance.managed:
        rows.insert(0, "local all postgres scram-sha-256")
    return "\n".join(["# Rendered by stormglass; changes are lost.", *rows]) + "\n"


def databases_of(topology: Topology, role: str) -> list[str]:
    """Databases a role may connect to: its own first."""
    process = topology[role]
    return [process.name, *process.shared_databases] if process.database else []
