"""Faults in what is sent: numbers, types, lengths, files, text that is no text."""

from __future__ import annotations

import io
import json
import time
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

from PIL import Image, PngImagePlugin

from bench._fault_rows import CODE, SMALL, Place, Row, lives, refusal
from lib_omost.canvas import Canvas
from lib_omost.renderer import RenderSettings
from lib_omost.studio.store.images import CHUNK, png_bytes

RENDER = {"code": CODE, **SMALL}
BAD_NUMBERS: dict[str, dict[str, Any]] = {
    "a picture 100,000 wide": {"width": 100_000},
    "a picture 0 wide": {"width": 0},
    "a picture -64 wide": {"width": -64},
    "a billion steps": {"steps": 10**9},
    "a thousand pictures": {"images": 1000},
    "a seed of 31 digits": {"seed": 10**30},
    "half a step": {"steps": 2.5},
    "steps in words": {"steps": "many"},
    "guidance that is no number": {"guidance": float("nan")},
    "guidance without end": {"guidance": float("inf")},
    "a style that nobody knows": {"style": "../../etc/passwd"},
}
BAD_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "a number for a message": ("chat", {"message": 5}),
    "null for a message": ("chat", {"message": None}),
    "an empty message": ("chat", {"message": "  "}),
    "a message of 256 KB": ("chat", {"message": "x" * 2**18}),
    "a text for a history": ("chat", {"message": "hi", "history": "x"}),
    "a history of numbers": ("chat", {"message": "hi", "history": [5]}),
    "a history of a system's words": ("chat", {"message": "hi", "history": [{"role": "system", "content": "x"}]}),
    "a history of 1.6 MB": ("chat", {"message": "hi", "history": [{"role": "user", "content": "x" * 200_000}] * 8}),
    "null for code": ("render", {"code": None}),
    "code of 300 KB": ("render", {"code": "#" * 300_000}),
    "code that runs something": ("render", {"code": "import os\nos.system('id')"}),
    "a number for a negative prompt": ("render", {"code": CODE, "negative_prompt": 5}),
    "a megabyte for few_steps": ("render", {"code": CODE, "few_steps": "x" * 2**20}),
}


def _refused(name: str, named: dict[str, Any], place: Place) -> None:
    with place.visitor() as visitor:
        told = refusal(lambda: visitor.call(name, **named))
    assert len(told) < 1000, f"{len(told)} characters of sentence"


def _chars(place: Place) -> None:
    with place.visitor() as visitor:
        assert "\udc00" not in visitor.call("chat", message="half \ud800 a letter")
        assert visitor.call("read", text=CODE.replace("apple", "\\ud800 apple"))["status"] != "reject"
        made = visitor.call("render", code=CODE.replace("apple", "\\ud800 apple"), **SMALL)
    assert made[0]["path"].endswith(".png")


def _halves(place: Place) -> None:
    with place.visitor() as visitor:
        reply = visitor.call("chat", message="halves")
        visitor.arrive()
        shown = visitor.fire("message", "submit", message="halves")
    assert "A smile: 😀, half of one: \ufffd." in reply
    assert "😀" in json.dumps(shown["chat"], ensure_ascii=False) and shown["state"]["level"] != "bad", shown["state"]


def _html(place: Place) -> None:
    """No markup of a reply or a message is left for the bubble's renderer to take as HTML or as a picture."""
    with place.visitor() as visitor:
        visitor.arrive()
        shown = visitor.fire("message", "submit", message="html")
        texts = "".join(part["text"] for bubble in shown["chat"] for part in bubble["content"] if "text" in part)
        assert "evil.example" in texts, "the reply is not there"
    outside = "".join(part for at, part in enumerate(texts.split("```")) if at % 2 == 0)
    assert "<img" not in outside and "<div" not in outside and "<script" not in outside, "HTML in a bubble"


def _nested(place: Place) -> None:
    with place.visitor() as visitor:
        kind = {"content-type": "application/json"}
        answer = visitor.http.post("/gradio_api/call/v2/read", content="[" * 100_000, headers=kind)
    assert 400 <= answer.status_code < 500, answer.status_code


# --- files ---


def _png(**more: Any) -> bytes:
    canvas = Canvas.from_bot_response(CODE)
    return png_bytes(
        Image.effect_noise((64, 64), 90).convert("RGB"), canvas, RenderSettings(width=64, height=64), **more
    )


def _damaged() -> bytes:
    png = _png()
    at = png.index(b"IDAT") + 40
    return png[:at] + bytes(64) + png[at + 64 :]


def _bomb() -> bytes:
    """60,000 x 60,000 pixels in its head, nothing behind it."""
    head = (60_000).to_bytes(4, "big") * 2 + bytes((8, 2, 0, 0, 0))
    chunk = b"IHDR" + head
    return b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")


def _record(record: object) -> bytes:
    info, file = PngImagePlugin.PngInfo(), io.BytesIO()
    info.add_itxt(CHUNK, json.dumps(record))
    Image.new("RGB", (8, 8)).save(file, format="PNG", pnginfo=info)
    return file.getvalue()


PNGS: dict[str, Callable[[], bytes]] = {
    "a picture with damaged pixels": _damaged,
    "a picture that is cut": lambda: _png()[:-3000],
    "a picture of 3.6 billion pixels": _bomb,
    "an empty file as a picture": lambda: b"",
    "an SVG as a picture": lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>",
    "a picture whose code runs something": lambda: _record({"format": 1, "code": "exec('x')", "settings": {}}),
    "a picture with settings beyond all bounds": lambda: _record(
        {"format": 1, "code": CODE, "settings": {"steps": 10**9}}
    ),
}


def _zip(record: object, members: dict[str, bytes] | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("session.json", json.dumps(record))
        for name, content in (members or {}).items():
            archive.writestr(name, content)
    return file.getvalue()


def _many(count: int, text: str) -> bytes:
    turns = [{"role": "assistant", "text": text, "picture": ""}] * count
    return _zip({"format": 1, "name": "many", "turns": turns, "pictures": []})


ZIPS: dict[str, Callable[[], bytes]] = {
    "a session file that is no zip": lambda: b"PK\x03\x04 and so on",
    "a session file of 50,000 turns": lambda: _many(50_000, "x"),
    "a session file with a picture 5,000 times": lambda: _zip(
        {"format": 1, "turns": [], "pictures": ["a.png"] * 5000}, {"a.png": _png()}
    ),
    "a session file that names a file outside": lambda: _zip(
        {"format": 1, "turns": [{"role": "assistant", "text": "", "picture": "/etc/passwd"}], "pictures": []}
    ),
}


def _dropped(make: Callable[[], bytes], widget: str, name: str, place: Place) -> str:
    """A file is refused, or read, without an error that has no words; the page goes on."""
    with place.visitor() as visitor:
        visitor.arrive()
        before = visitor.shown["chat"]
        file = visitor.upload(name, make())
        shown = visitor.fire(widget, "upload", **{widget: file})
        assert shown["chat"] == before or "passwd" not in json.dumps(shown["chat"]), "it was taken"
        start = time.monotonic()
        visitor.arrive()
        seconds = time.monotonic() - start
        assert seconds < 5.0, f"the page load after it takes {seconds:.0f} s"
    lives(place)
    return f"the page load after it takes {seconds:.1f} s"


def _good_png(place: Place) -> None:
    with place.visitor() as visitor:
        visitor.arrive()
        shown = visitor.fire("drop", "upload", drop=visitor.upload("a.png", _png(code=CODE.split("\n", 1)[1][:-4])))
    assert "apple" in json.dumps(shown["chat"]), "a good picture was not taken"


def _row(kind: str, name: str, act: Callable[[Place], str | None], short: bool = True) -> Row:
    return Row(f"{kind}: {name}", act, short)


TEXTS: tuple[Row, ...] = (
    *(
        _row("numbers", n, partial(_refused, "render", {"code": CODE, **SMALL, **more}))
        for n, more in BAD_NUMBERS.items()
    ),
    *(_row("types and lengths", name, partial(_refused, *call)) for name, call in BAD_CALLS.items()),
    _row("types and lengths", "a body of 100,000 brackets", _nested),
    _row("characters", "halves of letters in a message and in code", _chars),
    _row("characters", "halves of letters from a server", _halves),
    _row("characters", "HTML in a reply is text", _html),
    _row("files", "a good picture is taken", _good_png),
    *(_row("files", name, partial(_dropped, make, "drop", "a.png")) for name, make in PNGS.items()),
    *(_row("files", name, partial(_dropped, make, "import", "a.zip"), False) for name, make in ZIPS.items()),
)
