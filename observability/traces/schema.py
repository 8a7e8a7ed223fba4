"""The SQLite file: its tables, and how connections to it are opened.

Durability: write-ahead log with `synchronous=FULL`. NORMAL would survive a kill of the process, but a power cut could
take back commits that were acknowledged; the group commit makes the flush cheap enough to promise both.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = 1

_TABLES = """
CREATE TABLE origins (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, service TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE traces (
    trace_id BLOB PRIMARY KEY,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    root_name TEXT,     -- NULL until a span without a parent has arrived
    root_service TEXT,
    seen REAL NOT NULL  -- when its last span arrived, seconds since 1970, this machine's clock
) WITHOUT ROWID;
CREATE INDEX traces_by_start ON traces (start_ns);
CREATE INDEX traces_by_seen ON traces (seen);
CREATE TABLE spans (
    id INTEGER PRIMARY KEY,
    trace_id BLOB NOT NULL,
    span_id BLOB NOT NULL,
    origin INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,
    status INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (trace_id, span_id)
);
CREATE INDEX spans_by_origin ON spans (origin);
"""


class StoreError(RuntimeError):
    """The file cannot be used as a trace store; the text says why and what to do."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The one connection that writes; creates the file with its tables where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        # before the first table: it cannot be changed afterwards without rewriting the file
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_size_limit=16777216")
        connection.execute("PRAGMA cache_size=-16384")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={VERSION}; COMMIT")
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"{path} cannot be opened as a trace store: {error}; move it away to start afresh") from error
    if version not in {0, VERSION}:
        connection.close()
        raise StoreError(f"{path} has format {version}, this store writes {VERSION}: move the file away")
    return connection


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection, on which one snapshot holds for the whole block."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0, isolation_level=None)
    try:
        connection.execute("BEGIN")
        yield connection
    finally:
        connection.close()
