"""Cleans the text of a canvas and writes it as Python source. Knows no Canvas, only plain values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

#: Joiners shape Persian words and emoji; every other invisible format character goes.
_KEPT = "\u200c\u200d"
_SEPARATOR = {"Cc", "Zl", "Zp"}
_DROPPED = {"Cs", "Cf"}

Writable = str | float | Sequence["Writable"]


def clean(text: str) -> str:
    """`text` without surrogates and format characters, each control character and line break a space."""
    if text.isprintable():
        return text
    return "".join(_clean_one(c) for c in text)


def _clean_one(c: str) -> str:
    if c.isprintable() or c in _KEPT:
        return c
    category = unicodedata.category(c)
    return " " if category in _SEPARATOR else "" if category in _DROPPED else c


def quote(text: str) -> str:
    """A Python string literal on one line, in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'"


def literal(value: Writable, indent: str, newline: str = "\n") -> str:
    """`value` as Python source: a list one item a line below `indent`, everything else on one line."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, tuple):
        return "(" + ", ".join(literal(item, indent) for item in value) + ")"
    if not value:
        return "[]"
    inner = indent + "    "
    return "[" + newline + "".join(f"{inner}{literal(item, inner)},{newline}" for item in value) + indent + "]"


def call(variable: str, method: str, arguments: Mapping[str, Writable], indent: str = "", newline: str = "\n") -> str:
    """A call with one keyword argument a line, as the models were taught to write it."""
    inner = indent + "    "
    lines = [f"{inner}{name}={literal(value, inner, newline)},{newline}" for name, value in arguments.items()]
    return f"{indent}{variable}.{method}({newline}{''.join(lines)}{indent})"


def comment(text: str) -> str:
    """A one-line comment of at most 60 characters."""
    return "# " + re.sub(r"\s+", " ", clean(text))[:60].strip().rstrip(".,;")
