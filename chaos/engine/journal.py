"""Every fault, on disk: what has to be undone must be known after any crash, of any process or of the machine.

SQLite with `synchronous=FULL`: a change is on the disk when the call returns. The command line may open the same file
while the keeper has it open.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from chaos.engine.model import Fault, State
from stormglass.runtime.instance import Instance

BUSY_SECONDS = 5.0
KEPT = 500
"""Ended faults that stay in the file, for whoever asks what happened."""


class Journal:
    """The journal of one instance. Not for several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        # autocommit, so that the only transactions are the ones written here
        self._database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS fault"
            " (id TEXT PRIMARY KEY, created_at REAL NOT NULL, state TEXT NOT NULL, document TEXT NOT NULL)"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def add(self, fault: Fault) -> None:
        """Write a new fault down, before anything is done."""
        with self._transaction():
            self._database.execute(
                "INSERT INTO fault VALUES (?, ?, ?, ?)",
                (fault.id, fault.created_at, fault.state.value, json.dumps(fault.as_json())),
            )
            self._database.execute(
                "DELETE FROM fault WHERE state = ? AND id NOT IN"
                " (SELECT id FROM fault WHERE state = ? ORDER BY created_at DESC LIMIT ?)",
                (State.ENDED.value, State.ENDED.value, KEPT),
            )

    def change(self, identity: str, *, reopen: bool = False, **changes: Any) -> Fault:
        """Change some fields of a fault as it is on disk now; `KeyError` if there is none such.

        One that has ended stays ended, unless `reopen`: two processes may take it back at the same time.
        """
        with self._transaction():
            now = self.get(identity)
            if now.state is State.ENDED and not reopen:
                return now
            changed = replace(now, **changes)
            self._database.execute(
                "UPDATE fault SET state = ?, document = ? WHERE id = ?",
                (changed.state.value, json.dumps(changed.as_json()), identity),
            )
        return changed

    def get(self, identity: str) -> Fault:
        """One fault; `KeyError` if there is none such."""
        row = self._database.execute("SELECT document FROM fault WHERE id = ?", (identity,)).fetchone()
        if row is None:
            raise KeyError(identity)
        return _fault(row[0])

    def live(self) -> list[Fault]:
        """Everything that is not certainly undone, oldest first."""
        return self._read("WHERE state != ?", State.ENDED.value)

    def all(self) -> list[Fault]:
        """Everything that is kept, oldest first."""
        return self._read("")

    def _read(self, where: str, *values: object) -> list[Fault]:
        rows = self._database.execute(f"SELECT document FROM fault {where} ORDER BY created_at, rowid", values)  # noqa: S608 - `where` is one of two texts above
        return [_fault(row[0]) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            # whatever ends the block, half a change must not stay
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


def journal_path(instance: Instance) -> Path:
    """Where an instance's journal lies."""
    return instance.data / "faults.sqlite3"


def _fault(document: str) -> Fault:
    fields = json.loads(document)
    return Fault(**{**fields, "state": State(fields["state"])})
