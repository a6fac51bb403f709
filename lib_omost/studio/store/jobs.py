"""Jobs in the session file, for the job service. One process at a time takes over what an earlier one left; the rest is
the service's business.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from lib_omost.errors import StorageError
from lib_omost.runtime.job import Job
from lib_omost.studio.store.database import MODE
from lib_omost.studio.store.sessions import Sessions

FORGOTTEN_AFTER_S = 7 * 24 * 3600
COLUMNS = "id, owner, COALESCE(session, ''), what, request, key, attached, state, progress, result, created"


class StoredJobs:
    """Any thread may call; a write is durable when it returns."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._claim: sqlite3.Connection | None = None

    def twin(self, owner: str, key: str) -> Job | None:
        found = self._found("owner = ? AND key = ? AND state IN ('queued', 'running', 'done')", owner, key)
        return found[0] if found else None

    def add(self, job: Job) -> None:
        row = (job.id, job.owner, job.session or None, job.what, json.dumps(job.request), job.key, job.attached)
        with self._sessions.transaction() as db:
            db.execute("DELETE FROM job WHERE owner = ? AND key = ? AND key != ''", (job.owner, job.key))
            db.execute(
                "INSERT INTO job (id, owner, session, what, request, key, attached, state, progress, result, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, job.state, json.dumps(job.progress), json.dumps(job.result), job.created),
            )

    def change(self, job: Job) -> None:
        with self._sessions.transaction() as db:
            db.execute(
                "UPDATE job SET state = ?, progress = ?, result = ? WHERE id = ?",
                (job.state, json.dumps(job.progress), json.dumps(job.result), job.id),
            )

    def get(self, name: str) -> Job | None:
        found = self._found("id = ?", name)
        return found[0] if found else None

    def of(self, session: str) -> list[Job]:
        return self._found("session = ?", session)

    def left(self) -> list[Job]:
        if not self.alone():
            return []
        with self._sessions.transaction() as db:
            db.execute(
                "DELETE FROM job WHERE created < ? AND state NOT IN ('queued', 'running')",
                (time.time() - FORGOTTEN_AFTER_S,),
            )
        return self._found("state IN (?, ?)", "queued", "running")

    def alone(self) -> bool:
        """Whether no other process works on these sessions; from then on none other can say so. The claim is a lock on
        a file of its own, which the system takes back however the process ends.
        """
        if self._claim is None:
            path = self._sessions.path.with_name("in-use.sqlite")
            try:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, MODE))  # what SQLite makes beside it takes after it
                claim = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
                claim.execute("BEGIN EXCLUSIVE")
            except (sqlite3.OperationalError, OSError) as error:
                if "locked" in str(error):
                    return False
                raise StorageError(f"cannot use {path}: {error}; choose another folder (--outputs)") from error
            self._claim = claim
        return True

    def leave(self) -> None:
        """Lets another process say that it is alone."""
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def _found(self, where: str, *values: Any) -> list[Job]:
        with self._sessions.connection() as db:
            rows = db.execute(f"SELECT {COLUMNS} FROM job WHERE {where} ORDER BY created, rowid", values)
            return [_job(row) for row in rows]


def _job(row: Sequence[Any]) -> Job:
    name, owner, session, what, request, key, attached, state, progress, result, created = row
    data = [json.loads(text) for text in (request, progress, result)]
    return Job(name, owner, session, what, data[0], key, bool(attached), state, data[1], data[2], created)
