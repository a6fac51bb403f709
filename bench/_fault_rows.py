"""What a row of the fault table is, and what all rows ask."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._bad_server import BadServer, plan
from bench._client import Failed, Visitor
from bench._site import Running, free_port, site

CODE = plan("an apple")
SMALL = {"width": 64, "height": 64, "steps": 2}
NO_SENTENCE = re.compile(r"null|.*(Traceback|unforeseen|Error\()", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is tried: the server of the table, a folder for files, the language model that it asks."""

    url: str
    folder: Path
    llm: BadServer
    process: subprocess.Popen[str]
    short: bool

    @contextmanager
    def visitor(self, **headers: str) -> Iterator[Visitor]:
        visitor = Visitor(self.url, headers)
        try:
            yield visitor
        finally:
            visitor.close()


@dataclass(frozen=True, slots=True)
class Row:
    """`act` raises AssertionError where the fault is not borne, and may return a figure. `short`: it takes about a
    second.
    """

    name: str
    act: Callable[[Place], str | None]
    short: bool = True


def refusal(act: Callable[[], object], within_s: float = 20.0) -> str:
    """The sentence that an act is refused with. Raises AssertionError where it is not, or with no sentence, or late."""
    start = time.monotonic()
    try:
        done = act()
    except Failed as failed:
        told = re.sub(r"^\d{3} ", "", str(failed))
        assert not NO_SENTENCE.match(told) and len(told) > 10, f"no sentence: {told[:100]}"
        assert time.monotonic() - start < within_s, f"refused after {time.monotonic() - start:.0f} s"
        return told
    raise AssertionError(f"not refused: {str(done)[:80]}")


def until(holds: Callable[[], bool], seconds: float) -> float:
    """Seconds until something holds. Raises AssertionError after `seconds`."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < seconds, f"still not so after {seconds:.0f} s"
        time.sleep(0.1)
    return time.monotonic() - start


@contextmanager
def own_site(place: Place) -> Iterator[tuple[Running, Path]]:
    """A server for one row, and its outputs: what it does to a server is not the next row's trouble."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "outputs"
        with site(place.llm.name, folder, free_port()) as running:
            yield running, folder


def active(folder: Path) -> int:
    """How many jobs run or wait, by the session file of these outputs."""
    with closing(sqlite3.connect(folder / "sessions.sqlite")) as db:
        return int(db.execute("SELECT COUNT(*) FROM job WHERE state IN ('queued', 'running')").fetchone()[0])


def lives(place: Place) -> None:
    """The server goes on: another visitor is answered."""
    with place.visitor() as other:
        found: Any = other.call("read", text=CODE)
        assert found["status"] == "accept", found["summary"]
