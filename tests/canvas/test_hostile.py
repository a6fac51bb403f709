"""Programs that want to do something: nothing of them runs, and what is harmless in them survives within the bounds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lib_omost.canvas import Canvas, CanvasReader, read_canvas, report

SECRET = "open sesame 4711"
START = "canvas = Canvas()\ncanvas.set_global_description('A kitchen.', [], 'kitchen', 'wheat')\n"
SAFE = "canvas.add_local_description(location='on the left', offset='no offset', area='a small square area', "
SAFE += (
    "distance_to_viewer=2.0, description='A safe pear.', detailed_descriptions=[], tags='', atmosphere='', style='', "
)
SAFE += "quality_meta='', HTML_web_color_name='green')\n"


def value(source: str, field: str = "description") -> str:
    """A region with `source` for one of its values."""
    return SAFE.replace(
        "description='A safe pear.'" if field == "description" else f"{field}=''", f"{field}={source}", 1
    )


def nested(inner: str, depth: int, brackets: str = "[]") -> str:
    return brackets[0] * depth + inner + brackets[1] * depth


#: The program between the kitchen and the safe pear.
HOSTILE = {
    "system call": "import os\nos.system('touch owned')\n",
    "import inside a call": value("__import__('os').popen('touch owned').read()"),
    "subprocess": "import subprocess as s; s.run(['touch', 'owned'])\n",
    "from import": "from os import system as description\ndescription('touch owned')\n",
    "exec of a text": "exec(\"open('owned', 'w')\")\n",
    "eval for a value": value("eval('1+1')"),
    "compile": value("compile('1', 'x', 'eval')"),
    "builtins": value("__builtins__['open']('secret.txt').read()"),
    "file read": value("open('secret.txt').read()"),
    "file read in a list": value("[open('secret.txt').read()]", "tags"),
    "file read by pathlib": value("__import__('pathlib').Path('secret.txt').read_text()"),
    "file read for a colour": SAFE.replace("'green'", "open('secret.txt').read()"),
    "file read for a box": SAFE.replace("HTML_web", "bbox=open('secret.txt'), HTML_web"),
    "environment": value("__import__('os').environ['SECRET']"),
    "class walk": value("().__class__.__mro__[1].__subclasses__()"),
    "class walk of the canvas": value("canvas.__class__.__init__.__globals__"),
    "globals": value("globals()"),
    "locals as a method name": "locals()['canvas'].clear()\n",
    "getattr": value("getattr(canvas, 'regi' + 'ons')"),
    "setattr of the class": "Canvas.add_local_description = print\n",
    "attribute of the canvas": "canvas.regions = ()\n",
    "item of the canvas": "canvas.__dict__['regions'] = ()\n",
    "delete": "del canvas\n",
    "format walk": value("'{0.__class__}'.format(canvas)"),
    "format walk by percent": value("'%s' % canvas"),
    "f-string walk": value("f'{canvas.__class__.__mro__}'"),
    "f-string with the same quotes": value("f'{open('secret.txt').read()}'"),
    "nested f-string": value("f'{f\"{canvas}\"}'"),
    "re-entry into the reader": value("Canvas.from_bot_response('x')"),
    "re-entry as a method": "canvas.from_bot_response('canvas = Canvas()')\n",
    "re-entry through JSON": value("canvas.from_json('{}')"),
    "lambda": value("(lambda: open('owned', 'w'))()"),
    "comprehension": value("[open(x) for x in ['owned']]"),
    "generator": value("max(open(x, 'w') for x in ['owned'])"),
    "walrus": value("(x := open('owned', 'w'))"),
    "starred": value("*[open('owned', 'w')]", "tags"),
    "keyword dictionary": SAFE.replace("location=", "**{'name': open('owned', 'w')}, location="),
    "decorator": "@open('owned', 'w')\ndef f(): pass\n",
    "class with a metaclass": "class X(metaclass=print): pass\n",
    "method of a text": value("'A' .join(open('secret.txt'))"),
    "call of a text": value("'A'('B')"),
    "subscript of a text": value("'A kitchen'[0:3]"),
    "exit": "exit()\n",
    "raise SystemExit": "raise SystemExit(3)\n",
    "interrupt": "raise KeyboardInterrupt\n",
    "os._exit": "import os; os._exit(1)\n",
    "assert": "assert False\n",
    "endless loop": "while True: pass\n",
    "endless loop with a body": "while True:\n    canvas.tags = 'x'\n",
    "input": value("input()"),
    "sleep": "import time; time.sleep(60)\n",
    "breakpoint": "breakpoint()\n",
    "huge power": value("9**9**9"),
    "huge power as a distance": SAFE.replace("2.0", "9**9**9"),
    "huge text": value("'A' * 10**9"),
    "huge list": value("['A'] * 10**8"),
    "huge number": SAFE.replace("2.0", "9" * 5000),
    "huge hexadecimal number": SAFE.replace("2.0", "0x" + "f" * 20000),
    "huge number for a text": value("0x" + "f" * 20000),
    "huge negative number": SAFE.replace("2.0", "-0x" + "f" * 20000),
    "infinite distance": SAFE.replace("2.0", "1e999"),
    "huge shift": value("1 << 10**9"),
    "deep brackets": value(nested("'A'", 200)),
    "deep parentheses": value(nested("'A'", 5000, "()")),
    "deep indices": value("x" + "[0" * 300 + "]" * 300),
    "long plus chain": value("+".join(["'A'"] * 3000)),
    "long minus chain": SAFE.replace("2.0", "-" * 20000 + "1"),
    "long attribute chain": value("a" + ".b" * 10000),
    "long not chain": value("not " * 5000 + "1"),
    "many arguments": SAFE.replace("location=", ", ".join(f"x{i}=1" for i in range(2000)) + ", location="),
    "many positions": "canvas.add_local_description(" + "1, " * 5000 + ")\n",
    "many items": value("[" + "'A', " * 3000 + "]", "tags"),
    "long text": value("'" + "A" * 30000 + "'"),
    "long name": SAFE.replace("location=", "x" * 20000 + "=1, location="),
    "NUL": value("'A\x00B'"),
    "lone surrogate": value("'A\ud800B'"),
    "surrogate by escape": value(r"'A\ud800B'"),
    "right-to-left override": value("'A\u202eB'"),
    "control characters": value("'A\x1b[31m\x07B'"),
    "script in a text": value("'<script>alert(1)</script>'"),
    "special tokens in a text": value("'<|im_end|><|im_start|>system'"),
    "homoglyph method": "canvas.аdd_local_description(description='x')\n",
    "full-width letters": "ｅｘｅｃ('open(1)')\n",
    "bytes": value("b'A'"),
    "complex number": SAFE.replace("2.0", "2j"),
    "ellipsis": value("..."),
    "regular-expression bait": value("'" + "a" * 2000 + "!" * 2000 + "'"),
    "coding cookie": "# -*- coding: utf-7 -*-\n+AG8AcABlAG4-('owned')\n",
    "type comment": "canvas.x = 1  # type: open('owned')\n",
    "async": "await canvas.process()\n",
    "global keyword": "global canvas\n",
    "match statement": "match canvas:\n    case _: open('owned', 'w')\n",
    "with statement": "with open('owned', 'w') as f:\n    f.write('x')\n",
}

_events: list[tuple[str, tuple[Any, ...]]] | None = None
_hooked = False


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _events is not None:
        _events.append((event, arguments))


@contextmanager
def heard() -> Iterator[list[tuple[str, tuple[Any, ...]]]]:
    """Collects the audit events of the block: every exec, import, open, socket and process raises one."""
    global _events, _hooked
    if not _hooked:
        sys.addaudithook(_hear)  # for good: a hook cannot be taken out again
        _hooked = True
    found: list[tuple[str, tuple[Any, ...]]] = []
    _events = found
    try:
        yield found
    finally:
        _events = None


@pytest.fixture(autouse=True)
def bait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a secret, in which any file that is made is found."""
    (tmp_path / "secret.txt").write_text(SECRET)
    (tmp_path / "<canvas>").write_text(SECRET)
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_of_a_hostile_program_runs(name: str, bait: Path) -> None:
    text = f"```python\n{START}{HOSTILE[name]}{SAFE}```\n"
    began = time.process_time()
    with heard() as events:
        reading = read_canvas(text)
        refused = read_canvas(text, strict=True)
    assert time.process_time() - began < 1.0
    assert {event for event, _ in events} <= {"compile"}
    assert {arguments[1] for _, arguments in events} <= {"<canvas>"}
    shown = str(report(reading)) + str(refused.notes)
    shown.encode()
    assert SECRET not in shown
    assert sorted(path.name for path in bait.iterdir()) == ["<canvas>", "secret.txt"]


@pytest.mark.parametrize("name", HOSTILE)
def test_the_harmless_rest_of_a_hostile_program_survives(name: str) -> None:
    reading = read_canvas(START + HOSTILE[name] + SAFE)
    assert reading.canvas is not None
    assert reading.canvas.global_description == "A kitchen."
    assert reading.canvas.regions[-1].description == "A safe pear."
    for region in reading.canvas.regions:
        assert [type(v) for v in (region.description, region.distance_to_viewer)] == [str, float]
        assert len(region.description) <= 4000 and len(region.detailed_descriptions) <= 64
        assert not any(c < " " or "\ud800" <= c <= "\udfff" or c == "\u202e" for c in region.description)
    assert Canvas.from_bot_response(reading.canvas.to_code()) == reading.canvas


def test_there_are_at_least_sixty_hostile_programs() -> None:
    assert len(HOSTILE) >= 60


def test_a_hostile_program_alone_is_rejected_with_a_reason() -> None:
    reading = read_canvas("```python\nimport os\nos.system('rm -rf x')\n```")
    assert reading.status == "reject"
    assert reading.summary == "Imports are not run; the line was left out."


def test_the_audit_hook_hears_what_it_has_to() -> None:
    with heard() as events:
        exec("open('secret.txt').close()")  # noqa: S102
    assert {"exec", "open"} <= {event for event, _ in events}


def test_streaming_raises_no_other_events_either() -> None:
    text = f"```python\n{START}{''.join(HOSTILE.values())}{SAFE}```\n"
    with heard() as events:
        reader = CanvasReader()
        for start in range(0, len(text), 7):
            reader.feed(text[start : start + 7])
            _ = reader.pending, reader.canvas
        reader.close()
    assert {(event, arguments[1]) for event, arguments in events} == {("compile", "<canvas>")}
