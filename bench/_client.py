"""A visitor of a running page without a browser: calls its endpoints, and fires its events as the page's script does.

Knows gradio's protocol and nothing of what an event means.
"""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

API = "/gradio_api"
STATE = "state"
ENDS = ("process_completed", "close_stream", "unexpected_error")


class Failed(Exception):
    """An event or a call that ended in an error; the text is what the page shows."""


class Visitor:
    """One browser: its cookies, and one tab. `url`: of the page; `headers` go with every call."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self.http = httpx.Client(base_url=url, timeout=60.0, headers=headers, follow_redirects=False)
        self.tab = secrets.token_hex(6)
        self.values: dict[int, Any] = {}
        self._config: dict[str, Any] = {}

    def close(self) -> None:
        self.http.close()

    # --- the endpoints ---

    def call(self, name: str, **named: Any) -> Any:
        """The last value of an endpoint. Raises Failed with its sentence."""
        *_, last = self.stream(name, **named)
        return last[0] if len(last) == 1 else last

    def stream(self, name: str, **named: Any) -> Iterator[list[Any]]:
        """The values of an endpoint as they come. Raises Failed."""
        with self.events(self.begin(name, json.dumps(named)), name) as lines:
            kind = ""
            for line in lines:
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: ") and kind in ("generating", "complete"):
                    yield json.loads(line[6:])
                elif line.startswith("data: ") and kind == "error":
                    raise Failed(_told(json.loads(line[6:])))

    def begin(self, name: str, body: str | bytes, **headers: str) -> str:
        """The id of a call whose arguments are `body`, JSON by name. Raises Failed where it is refused at once."""
        kind = {"content-type": "application/json"}
        answer = self.http.post(f"{API}/call/v2/{name}", content=body, headers={**kind, **headers})
        if answer.status_code != 200:
            raise Failed(f"{answer.status_code} {_told(_data(answer))}")
        return str(answer.json()["event_id"])

    @contextmanager
    def events(self, call: str, name: str) -> Iterator[Iterator[str]]:
        """The lines that a call's answer consists of; leaving is what a client does that goes away."""
        with self.http.stream("GET", f"{API}/call/{name}/{call}") as answer:
            yield answer.iter_lines()

    # --- the page ---

    def arrive(self) -> None:
        """Loads the page: every event that a page load fires, in order."""
        self.http.get("/")
        self._config = self.http.get("/config").json()
        self.values = {one["id"]: one["props"].get("value") for one in self._config["components"]}
        for event in self._config["dependencies"]:
            if any(kind == "load" for _, kind in event["targets"]):
                self._fire(event, None)

    def fire(self, widget: str, kind: str, data: Any = None, **given: Any) -> dict[str, Any]:
        """An event of the widget with this elem_id, and those that follow it; `given`: values of widgets. Returns what
        the widgets with an elem_id show then. Raises Failed.
        """
        for name, value in given.items():
            self.values[self._id(name)] = value
        event = next(e for e in self._config["dependencies"] if [self._id(widget), kind] in e["targets"])
        while event is not None:
            self._fire(event, data)
            then = (
                e for e in self._config["dependencies"] if e.get("trigger_after") == event["id"] and e["backend_fn"]
            )
            event = next(then, None)
        return self.shown

    @property
    def shown(self) -> dict[str, Any]:
        names = {one["props"].get("elem_id"): one["id"] for one in self._config["components"]}
        return {name: self.values[widget] for name, widget in names.items() if name}

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """A file as an upload widget has it afterwards. Raises Failed where it is refused."""
        answer = self.http.post(f"{API}/upload", files={"files": (name, content)})
        if answer.status_code != 200:
            raise Failed(f"{answer.status_code} {_told(_data(answer))}")
        meta = {"_type": "gradio.FileData"}
        return {"path": answer.json()[0], "orig_name": name, "size": len(content), "meta": meta}

    def _id(self, name: str) -> int:
        elem_id = name.replace("_", "-")
        return int(next(one["id"] for one in self._config["components"] if one["props"].get("elem_id") == elem_id))

    def _fire(self, event: dict[str, Any], data: Any) -> None:
        kinds = {one["id"]: one["type"] for one in self._config["components"]}
        inputs = [None if kinds[widget] == STATE else self.values[widget] for widget in event["inputs"]]
        body = {
            "data": inputs,
            "event_data": data,
            "fn_index": event["id"],
            "session_hash": self.tab,
            "trigger_id": None,
        }
        if not event["queue"]:
            answer = self.http.post(f"{API}/run/predict", json=body)
            if answer.status_code != 200:
                raise Failed(_told(_data(answer)))
            self._show(event, answer.json()["data"])
            return
        joined = self.http.post(f"{API}/queue/join", json=body)
        if joined.status_code != 200:
            raise Failed(f"{joined.status_code} {_told(_data(joined))}")
        self._follow(event, joined.json()["event_id"])

    def _follow(self, event: dict[str, Any], name: str) -> None:
        """Shows what an event in the queue yields, until it ends."""
        parts: list[Any] = []
        with self.http.stream("GET", f"{API}/queue/data", params={"session_hash": self.tab}) as answer:
            for line in answer.iter_lines():
                message = json.loads(line[6:]) if line.startswith("data: ") else {}
                if message.get("event_id") != name or message.get("msg") not in (*ENDS, "process_generating"):
                    continue
                output = message.get("output") or {}
                if not message.get("success", True):
                    raise Failed(_told(output))
                found = output.get("data") or []
                whole = not parts or message["msg"] != "process_generating"
                parts = found if whole else [_patched(old, new) for old, new in zip(parts, found, strict=True)]
                if found:
                    self._show(event, parts)
                if message["msg"] in ENDS:
                    return

    def _show(self, event: dict[str, Any], values: list[Any]) -> None:
        for widget, value in zip(event["outputs"], values, strict=False):
            if not (isinstance(value, dict) and value.get("__type__") == "update"):
                self.values[widget] = copy.deepcopy(value)  # patches change it in place
            elif "value" in value:
                self.values[widget] = value["value"]


def _patched(old: Any, changes: Any) -> Any:
    """A value after the differences that gradio sends while something streams: [act, path, value] each."""
    if not isinstance(changes, list):
        return changes
    for act, path, value in changes:
        if not path:
            old = value if act == "replace" else old + value
            continue
        place = old
        for key in path[:-1]:
            place = place[key]
        if act == "append":
            place[path[-1]] += value
        elif act == "delete":
            del place[path[-1]]
        elif act == "add" and isinstance(place, list):
            place.insert(int(path[-1]), value)
        else:
            place[path[-1]] = value
    return old


def _data(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return {"error": answer.text[:300]}


def _told(data: Any) -> str:
    """The sentence of an error; "null" where there is none."""
    if isinstance(data, dict):
        data = data.get("error", data.get("detail", data))
    return "null" if data is None else str(data)
