"""What a pool of database connections observes, without a database."""

import sqlite3
from typing import cast

from opentelemetry.trace import Tracer
from sqlalchemy.engine.interfaces import DBAPIConnection

from stormglass.data.measured import pool_of
from stormglass.telemetry import names
from stormglass.telemetry.carrier import trace_id


def test_waiting_for_a_connection_is_tied_to_the_request_that_waited(tracer: Tracer) -> None:
    pool = pool_of("of-a-test")(lambda: cast("DBAPIConnection", sqlite3.connect(":memory:")))
    with tracer.start_as_current_span("request"):
        waited = trace_id()
        pool.connect().close()
    pool.dispose()
    tied = {
        sample.exemplar.labels["trace_id"]
        for family in names.DB_POOL_WAIT.histogram().collect()
        for sample in family.samples
        if sample.exemplar and sample.labels["database"] == "of-a-test"
    }
    assert tied == {waited}
