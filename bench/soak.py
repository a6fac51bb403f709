"""Hours in short: clients that drive page and API of one server, and what it takes of the machine as time goes on.

python -m bench soak [--minutes N] [--clients K] [--json FILE]

Prints a line every so often (memory, handles, threads, temporary files, database), then the slope of the memory after a
warm-up. The language model is a server that answers each message with a plan of that message, so that a reply that
reaches another client is seen to be mixed.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench._bad_server import bad_server, plan
from bench._client import Failed, Visitor
from bench._fault_rows import SMALL
from bench._record import record
from bench._site import free_port, site

MIB = 2**20
WARM_UP = 0.3  # of the time, at least
WARM_UP_S = 600.0  # and no more: what the page keeps of its last 200 tabs, 0.4 MiB each, is full by then
NEW_VISITOR_AFTER = 3  # rounds of one
SAMPLES = 60
LOOK_S = 1.0
RECORDED_MINUTES = 20  # shorter runs are tries
PACKAGES = ("gradio", "torch", "diffusers", "transformers")


@dataclass(frozen=True, slots=True)
class Sample:
    """The server at one moment. Temporary files lie beside its outputs; `database_kib` with SQLite's log."""

    seconds: float
    rss_mib: float
    handles: int
    threads: int
    temp_files: int
    database_kib: int


@dataclass
class Tally:
    """What the clients have seen, of all of them."""

    done: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    mixed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, act: str) -> None:
        with self.lock:
            self.done[act] = self.done.get(act, 0) + 1

    def mixed_up(self) -> None:
        with self.lock:
            self.mixed += 1


def client(url: str, number: int, end: float, tally: Tally) -> None:
    """One client until `end` of the monotonic clock: a visitor of the page, then one of the endpoints, and so on."""
    rounds = 0
    while time.monotonic() < end:
        visitor = Visitor(url)
        try:
            visitor.arrive()
            for _ in range(NEW_VISITOR_AFTER):
                if time.monotonic() < end:
                    one_round(visitor, f"thing {number} of round {rounds}", tally)
                    rounds += 1
        except (Failed, OSError, ValueError, KeyError, StopIteration) as error:
            with tally.lock:
                tally.errors.append(f"{type(error).__name__}: {error}"[:200])
            time.sleep(1.0)
        except Exception as error:  # httpx has errors of its own
            with tally.lock:
                tally.errors.append(f"{type(error).__name__}: {error}"[:200])
            time.sleep(1.0)
        finally:
            visitor.close()


def one_round(visitor: Visitor, thing: str, tally: Tally) -> None:
    """A message and a picture on the page; a reply, a reading and a picture by the endpoints. Each is to be its own."""
    shown = visitor.fire("message", "submit", message=thing)
    tally.count("page: reply")
    if thing not in str(shown["chat"][-1]) or thing not in shown["code"]:
        tally.mixed_up()
    pictures = len(shown["gallery"] or ())
    shown = visitor.fire("render", "click", **SMALL)
    tally.count("page: picture")
    if len(shown["gallery"] or ()) != pictures + 1:
        raise ValueError(f"no new picture in the gallery: {shown['progress']}")
    reply = visitor.call("chat", message=f"api {thing}")
    tally.count("api: reply")
    if f"api {thing}" not in reply:
        tally.mixed_up()
    if visitor.call("read", text=plan(thing))["canvas"]["regions"][0]["description"] != thing:
        tally.mixed_up()
    tally.count("api: reading")
    visitor.call("render", code=plan(thing), **SMALL)
    tally.count("api: picture")


def sample(process: int, folder: Path, start: float) -> Sample:
    """Raises OSError where the process is gone, or this system tells nothing of it."""
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    told = {line.partition(":")[0]: line.partition(":")[2].split() for line in status}
    temporary = folder / "temporary"
    store = (folder / "outputs").glob("sessions.sqlite*")
    return Sample(
        time.monotonic() - start,
        int(told["VmRSS"][0]) / 1024,
        len(os.listdir(f"/proc/{process}/fd")),
        int(told["Threads"][0]),
        sum(path.is_file() for path in temporary.rglob("*")) if temporary.is_dir() else 0,
        sum(path.stat().st_size for path in store) >> 10,
    )


def watch(take: Callable[[], Sample], seconds: float) -> list[Sample]:
    """Samples over so many seconds, printed as they come: of each interval the one with the least memory. Between two
    moments at which the server gives free memory back, it holds some that it does not use.
    """
    print(f"{'seconds':>8} {'MiB':>8} {'handles':>8} {'threads':>8} {'temp':>6} {'KiB in SQLite':>14}")
    found, end = list[Sample](), time.monotonic() + seconds
    interval = max(0.2, seconds / SAMPLES)
    while (left := end - time.monotonic()) > 0:
        one = _least(take, min(interval, left))
        found.append(one)
        print(
            f"{one.seconds:8.0f} {one.rss_mib:8.1f} {one.handles:8} {one.threads:8} {one.temp_files:6} "
            f"{one.database_kib:14}",
            flush=True,
        )
    return found


def _least(take: Callable[[], Sample], seconds: float) -> Sample:
    end, samples = time.monotonic() + seconds, list[Sample]()
    while not samples or time.monotonic() < end:
        time.sleep(min(LOOK_S, seconds))
        samples.append(take())
    return min(samples, key=lambda one: one.rss_mib)


def slope_mib_10min(samples: Sequence[Sample]) -> float:
    """By how much the memory grows in ten minutes once it is warm: a line through the samples after the warm-up."""
    last = samples[-1].seconds
    warm = [one for one in samples if one.seconds >= min(last * WARM_UP, WARM_UP_S)] or list(samples)
    if len(warm) < 2:
        return 0.0
    slope, _ = np.polyfit([one.seconds for one in warm], [one.rss_mib for one in warm], 1)
    return float(slope) * 600


def main(argv: list[str]) -> dict[str, float | int | str]:
    parser = argparse.ArgumentParser(prog="python -m bench soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--json", type=Path, help="write the result here as well")
    chosen = parser.parse_args(argv)
    tally = Tally()
    with tempfile.TemporaryDirectory() as name, bad_server() as llm:
        folder = Path(name)
        with site(llm.name, folder / "outputs", free_port()) as running:
            start = time.monotonic()
            end = start + chosen.minutes * 60
            clients = [
                threading.Thread(target=client, args=(running.url, number, end, tally), daemon=True)
                for number in range(chosen.clients)
            ]
            for one in clients:
                one.start()
            samples = watch(lambda: sample(running.process.pid, folder, start), chosen.minutes * 60)
            for one in clients:
                one.join(60.0)
            last = sample(running.process.pid, folder, start)
    for act, count in sorted(tally.done.items()):
        print(f"{act:14} {count}")
    for error in dict.fromkeys(tally.errors):
        print(f"error: {error}")
    result: dict[str, float | int | str] = {
        "minutes": round(chosen.minutes, 2),
        "errors": len(tally.errors),
        "mixed": tally.mixed,
        "slope_mib_10min": round(slope_mib_10min(samples), 2),
        "handles": last.handles,
        "threads": last.threads,
        "temp_files": last.temp_files,
        "rss_mib": round(last.rss_mib, 1),
        "database_kib": last.database_kib,
        "acts": sum(tally.done.values()),
        "clients": chosen.clients,
        "load_1min": round(os.getloadavg()[0], 1),
    }
    if chosen.minutes >= RECORDED_MINUTES:
        record("soak", [f"--minutes {chosen.minutes:g}", f"--clients {chosen.clients}"], result, PACKAGES)
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        chosen.json.write_text(json.dumps(result, indent=1) + "\n")
    return result
