"""PostgreSQL: loopback only, passwords only, every role locked into its own database, durable commits."""

from stormglass.runtime.instance import Instance
from stormglass.runtime.network import HOST
from stormglass.topology import Kind, Topology


def config(instance: Instance) -> str:
    """`postgresql.conf`."""
    return f"""\
# Rendered by `stormglass up`; changes are lost.
listen_addresses = '{HOST}'
port = {instance.port("postgres")}
unix_socket_directories = ''
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


def hba(topology: Topology) -> str:
    """`pg_hba.conf`: who is not listed is refused."""
    rows = ["# Rendered by `stormglass up`; changes are lost.", _row("all", "postgres")]
    for process in topology.processes:
        rows += [_row(name, process.name) for name in databases_of(topology, process.name)]
        if process.kind is Kind.POSTGRES_EXPORTER:
            rows.append(_row("postgres", process.name))
    return "\n".join(rows) + "\n"


def databases_of(topology: Topology, role: str) -> list[str]:
    """Databases a role may connect to: its own first."""
    process = topology[role]
    return [process.name, *process.shared_databases] if process.database else []


def _row(database: str, role: str) -> str:
    return f"host {database} {role} {HOST}/32 scram-sha-256"
