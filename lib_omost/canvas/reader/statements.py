"""One statement to what it says: a call with literal arguments, a new canvas, or nothing. Runs nothing."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import Literal

from lib_omost.canvas.reader.fences import CALL, MAKE
from lib_omost.canvas.reader.notes import MAX_DEPTH, MAX_ITEMS, MAX_SEPARATORS, MAX_TERMS, Level
from lib_omost.canvas.reader.salvage import (
    F_STRING,
    MAX_ARGUMENTS,
    Argument,
    SyntaxFix,
    Unusable,
    Value,
    read_arguments,
    spaced,
)
from lib_omost.canvas.reader.splitter import Statement

Method = Literal["global", "local"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one of the two methods. `repaired` where Python refused it and the tolerant reader made it out."""

    method: Method
    written: str
    variable: str | None
    arguments: tuple[Argument, ...]
    repaired: bool
    fixes: tuple[SyntaxFix, ...]


@dataclass(frozen=True, slots=True)
class NewCanvas:
    """`canvas = Canvas()`."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A statement that is no part of a canvas; without a message it is not worth one."""

    level: Level
    code: str
    message: str


#: What Python's parser or its encoder chokes on, each one character and as many bytes as what takes its place.
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LONE_RETURN = re.compile(r"\r(?!\n)")
_BAD_ESCAPE = re.compile(r"\\(\\|\r?\n|['\"abfnrtvxuUN0-7]|(?P<bad>.))", re.DOTALL)
#: Stands for the backslash of an escape that Python warns about; `_UNSAFE` has taken all others out.
_BACKSLASH = "\x01"
_STRING = re.compile(
    r"""[rRuU]?(?:'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''|\"\"\"[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*\"\"\"
    |'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*")""",
    re.DOTALL | re.VERBOSE,
)
_IMPORT = re.compile(r"(?:from\s+(?P<source>[\w.]+)\s+)?import\s+(?P<what>[\w., *()]+)$")
_HARMLESS_IMPORT = re.compile(r"(?:__future__|typing|math|numpy|lib_omost(?:\.canvas)?|omost|canvas)$")
_HARMLESS_CALL = re.compile(r"(?:print|[A-Za-z_]\w*\.(?:process|render|show|save|display|draw|generate|to_code))\s*\(")
_SILENT = re.compile(r"(?:pass|\.\.\.|[A-Za-z_]\w*|[rRuU]?(?:'''.*'''|\"\"\".*\"\"\"|'[^']*'|\"[^\"]*\"))$", re.DOTALL)
_KEYWORD = re.compile(
    r"(?:async\s+)?(def|class|for|while|if|elif|else|try|except|finally|with|return|del|raise|assert|exec|lambda)\b"
)


def parse(statement: Statement) -> Call | NewCanvas | Ignored:
    """What `statement` says. Never raises: what cannot be used is an `Ignored` or an `Unusable` argument."""
    text = statement.text
    if call := CALL.match(text):
        return _call(statement, call)
    if MAKE.match(text):
        return NewCanvas()
    return _other(text)


def _call(statement: Statement, head: re.Match[str]) -> Call | Ignored:
    if statement.state == "deep":
        return Ignored("error", "bound", f"Brackets are nested more than {MAX_DEPTH} deep; the call was left out.")
    text, arguments = statement.text, None
    if statement.state in ("whole", "cut") and text.count(",") + text.count("+") <= MAX_SEPARATORS:
        arguments = _by_python(text, head.start("variable") if head["variable"] else head.start("method"))
    repaired, fixes = arguments is None, list[SyntaxFix]()
    if arguments is None:
        salvaged, fixes = read_arguments(_LONE_RETURN.sub("\n", text), head.end())
        arguments = tuple(salvaged)
        fixes = fixes or [SyntaxFix(1, 0, "what could be made out of this call was kept")]
    method: Method = "global" if "global" in head["method"].lower() else "local"
    return Call(method, head["method"], head["variable"], arguments, repaired, tuple(fixes))


def python_call(text: str) -> tuple[ast.Call, list[str]] | None:
    """The call that `text` is, and the lines that its positions count in; None where Python refuses it.

    Characters that Python cannot take are replaced by others of the same width, so every position holds in `text` too.
    The mode is "eval" because for the others CPython looks for a file named like the source when it reports an error.
    """
    source = _LONE_RETURN.sub("\n", _UNSAFE.sub(_stand_in, text))
    if "\\" in source:
        source = _BAD_ESCAPE.sub(_mark_escape, source)
    try:
        node = ast.parse(source, "<canvas>", "eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError):
        return None
    if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Attribute, ast.Name)):
        return None
    return node, source.split("\n")


def _by_python(text: str, start: int) -> tuple[Argument, ...] | None:
    """The arguments of the call that begins at `start`, None where Python refuses it."""
    found = python_call(text[start:])
    if found is None:
        return None
    node, lines = found
    shift = start - (text.rfind("\n", 0, start) + 1)
    nodes = [(None, arg, arg) for arg in node.args] + [(k.arg, k, k.value) for k in node.keywords]
    return tuple(_argument(name, at, value, lines, shift) for name, at, value in nodes[:MAX_ARGUMENTS])


def _argument(name: str | None, at: ast.expr | ast.keyword, node: ast.expr, lines: list[str], shift: int) -> Argument:
    column = characters(lines[at.lineno - 1], at.col_offset) + (shift if at.lineno == 1 else 0)
    value: Value | Unusable
    if name is None and isinstance(at, ast.keyword):
        value = Unusable("'**' is not part of the canvas language")
    else:
        value = _value(node, lines)
    return Argument(name, value, at.lineno, column)


def characters(line: str, utf8_bytes: int) -> int:
    """How many characters the first `utf8_bytes` bytes of `line` are: ast counts bytes, people count characters."""
    return utf8_bytes if line.isascii() else len(line.encode()[:utf8_bytes].decode(errors="ignore"))


def _value(node: ast.expr, lines: list[str]) -> Value | Unusable:
    """Literals only: text, numbers, lists of them, and texts joined by `+`. The splitter bounds the depth."""
    if isinstance(node, ast.Constant):
        return _constant(node.value)
    if isinstance(node, (ast.List, ast.Tuple)):
        return _items(node.elts, lines)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        number = _constant(node.operand.value) if isinstance(node.operand, ast.Constant) else None
        if isinstance(number, (int, float)) and not isinstance(number, bool):
            return -number if isinstance(node.op, ast.USub) else number
    if isinstance(node, ast.JoinedStr):
        return _joined(node)
    if isinstance(node, ast.BinOp):
        return _sum(node)
    kind = _KINDS.get(type(node).__name__, "an expression")
    return Unusable(f"{kind} is not run, only text in quotes, numbers and lists are read")


_KINDS = {
    "Call": "a call",
    "Attribute": "an attribute",
    "Subscript": "an index",
    "Name": "a name",
    "Lambda": "a function",
    "ListComp": "a comprehension",
    "GeneratorExp": "a comprehension",
    "Starred": "'*'",
    "Dict": "a dictionary",
    "Set": "a set",
    "IfExp": "a condition",
}


def _constant(value: object) -> Value | Unusable:
    if isinstance(value, str):
        return value.replace(_BACKSLASH, "\\") if _BACKSLASH in value else value
    if isinstance(value, int) and value.bit_length() > 64:
        return math.inf if value > 0 else -math.inf  # Python refuses to write out some that it reads
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return Unusable("it is no text, no number and no list")


def _items(nodes: list[ast.expr], lines: list[str]) -> Value | Unusable:
    """The usable items; a text made of several is split again where a comma is missing."""
    items: list[Value] = []
    for node in nodes[: MAX_ITEMS + 1]:
        value = _value(node, lines)
        if isinstance(value, Unusable):
            return value
        if isinstance(value, str) and isinstance(node, ast.Constant) and _may_be_several(node, value):
            items += _separate(_segment(node, lines), value)
        else:
            items.append(value)
    return tuple(items)


def _may_be_several(node: ast.Constant, value: str) -> bool:
    return node.end_lineno != node.lineno or (node.end_col_offset or 0) - node.col_offset != len(value) + 2


def _segment(node: ast.Constant, lines: list[str]) -> str:
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    part = lines[first : last + 1]
    part[-1] = part[-1][: characters(part[-1], node.end_col_offset or 0)]
    part[0] = part[0][characters(part[0], node.col_offset) :]
    return "\n".join(part)


def _separate(segment: str, value: str) -> list[str]:
    """The texts that `segment`, Python for `value`, is made of, those with a space at the joint as one."""
    tokens = _STRING.findall(segment)
    if len(tokens) < 2:
        return [value]
    parts: list[str] = []
    for token in tokens:
        part = str(_constant(ast.parse(token, "<canvas>", "eval").body.value))
        if parts and (not part or not parts[-1] or spaced(parts[-1], part)):
            parts[-1] += part
        else:
            parts.append(part)
    return parts


def _joined(node: ast.JoinedStr) -> Value | Unusable:
    parts = [_constant(part.value) for part in node.values if isinstance(part, ast.Constant)]
    if len(parts) < len(node.values):
        return Unusable(F_STRING)
    return "".join(part for part in parts if isinstance(part, str))


def _sum(node: ast.expr) -> Value | Unusable:
    """A chain of texts joined by `+`, walked without recursion: a chain may be longer than Python's stack is deep."""
    parts: list[str] = []
    current = node
    while isinstance(current, ast.BinOp) and isinstance(current.op, ast.Add) and len(parts) < MAX_TERMS:
        part = _text_of(current.right)
        if part is None:
            break
        parts.append(part)
        current = current.left
    first = _text_of(current)
    if first is None:
        return Unusable(f"arithmetic is not run; only texts can be joined by '+', at most {MAX_TERMS}")
    return "".join([first, *reversed(parts)])


def _text_of(node: ast.expr) -> str | None:
    value = (
        _joined(node)
        if isinstance(node, ast.JoinedStr)
        else _constant(node.value)
        if isinstance(node, ast.Constant)
        else None
    )
    return value if isinstance(value, str) else None


def _stand_in(match: re.Match[str]) -> str:
    return "\u2060" if match[0] >= "\ud800" else " "


def _mark_escape(match: re.Match[str]) -> str:
    return _BACKSLASH + match["bad"] if match["bad"] else match[0]


def _other(text: str) -> Ignored:
    """A statement that is neither a call of ours nor a new canvas."""
    if found := _IMPORT.match(text):
        modules = (
            [found["source"]]
            if found["source"]
            else [part.split()[0] for part in found["what"].split(",") if part.split()]
        )
        if all(_HARMLESS_IMPORT.match(module) for module in modules):
            return Ignored("info", "import", "A canvas needs no import; the line has no effect.")
        return Ignored("error", "refused", "Imports are not run; the line was left out.")
    if _HARMLESS_CALL.match(text):
        return Ignored("info", "ignored", "Only the canvas is read, nothing is run; the line has no effect.")
    if len(text) < 4000 and _SILENT.match(text):
        return Ignored("info", "", "")
    if found := _KEYWORD.match(text):
        return Ignored(
            "error",
            "refused",
            f"'{found[1]}' is not part of the canvas language and is not run; the line was left out.",
        )
    first = text.split("\n", 1)[0].strip()
    shown = first if len(first) <= 40 else first[:39] + "…"
    return Ignored("error", "refused", f"{shown!r} is not part of the canvas language and is not run; it was left out.")
