"""A canvas out of JSON that a model or a program wrote, in whatever shape, also if it is cut or half Python."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from lib_omost.canvas.canvas import DEFAULT_COLOR, FORMAT, VERSION, Canvas, Region
from lib_omost.canvas.colors import read_triple
from lib_omost.canvas.reader.arguments import field_named
from lib_omost.canvas.reader.fields import read_global, read_local
from lib_omost.canvas.reader.notes import MAX_DEPTH, MAX_ITEMS, MAX_REGIONS, MAX_STATEMENT, MAX_TEXT, Level, Notes
from lib_omost.canvas.reader.salvage import Argument, Unusable, Value
from lib_omost.canvas.reader.statements import Method
from lib_omost.canvas.vocabulary import GLOBAL_FIELDS, LOCAL_FIELDS, WHOLE, Box, snap
from lib_omost.errors import CanvasError

MAX_JSON = MAX_TEXT
_START = re.compile(r"^[ \t>]*(?=[\[{])", re.MULTILINE)
_TRIES, _MENDED_TRIES = 8, 2
#: Keys under which a reply keeps its regions, its global description, and one call's arguments.
_REGIONS = (
    "regions",
    "local_descriptions",
    "locals",
    "objects",
    "elements",
    "layers",
    "add_local_description",
    "local",
)
_GLOBALS = ("global", "global_description", "set_global_description", "scene", "background")
_WRAPPERS = ("canvas", "result", "response", "output", "layout", "calls", "tool_calls", "function_calls", "steps")
_ARGUMENTS = ("arguments", "args", "kwargs", "parameters", "params", "input")
_METHODS = ("method", "function", "call", "action", "tool", "name", "type")
_EDGES = (("left", "top", "right", "bottom"), ("x1", "y1", "x2", "y2"), ("x_min", "y_min", "x_max", "y_max"))


def canvas_of_json(text: str) -> Canvas:
    """The canvas of `Canvas.to_json`. Raises `CanvasError` for a text that is not exactly that; its notes say why."""
    data = load_json(text)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CanvasError(f'This JSON is no canvas of ours: it has no "format": "{FORMAT}".')
    if data.get("version") != VERSION:
        raise CanvasError(
            f"This canvas has version {data.get('version')!r}, we read version {VERSION}; update the program."
        )
    notes = Notes()
    canvas = read_data(data, notes, 1)
    wrong = [note for note in notes.sorted() if note.level != "info"]
    if canvas is None or wrong:
        reason = wrong[0].message if wrong else "it holds no description."
        raise CanvasError(f"This canvas cannot be used as it stands: {reason}", wrong)
    return canvas


def load_json(text: str) -> Any:
    """The data of a JSON text. Raises `CanvasError` for an empty, broken, too long or too deeply nested one."""
    if not text.strip():
        raise CanvasError("The text is empty; paste the JSON of a canvas.")
    if len(text) > MAX_JSON:
        raise CanvasError(f"The JSON has {len(text)} characters, we read at most {MAX_JSON}.")
    try:
        return json.loads(text)
    except ValueError as error:
        raise CanvasError(f"This is no JSON: {error}.") from error
    except RecursionError as error:
        raise CanvasError("This JSON is nested too deep for a canvas.") from error


def find_json(text: str) -> tuple[Any, int] | None:
    """The first piece of `text` that is JSON, or can be made JSON, and holds a canvas; and its line."""
    mended = 0
    for found, _ in zip(_START.finditer(text), range(_TRIES), strict=False):
        rest = text[found.end() :]
        data = _json(rest)
        if data is None and mended < _MENDED_TRIES:
            mended += 1
            data = _literal(rest) or _json(_closed(rest))
        if data is not None and (_is_comfy(data) or next(_calls(data, 0), None)):
            return data, text.count("\n", 0, found.end()) + 1
    return None


def read_data(data: Any, notes: Notes, line: int) -> Canvas | None:
    """The canvas that `data` describes, None where it describes none. What is wrong with it goes to `notes`."""
    if _is_comfy(data):
        return _from_comfy(data, notes, line)
    canvas, found, count = Canvas(), False, 0
    for method, values in _calls(data, 0):
        count += method == "local"
        where = "global" if method == "global" else f"region {count}"

        def report(level: Level, code: str, argument: Argument | None, message: str, where: str = where) -> None:
            notes.add(level, code, line, 1, f"{where}: {message}")

        arguments = [Argument(key, _value(item, 1), 1, 0) for key, item in values.items()]
        if method == "global":
            whole = read_global(arguments, report)
            canvas.global_description, canvas.tags = whole.description, whole.tags
            canvas.detailed_descriptions = whole.detailed_descriptions
            canvas.HTML_web_color_name = whole.HTML_web_color_name
        elif count > MAX_REGIONS:
            report("error", "bound", None, f"More than {MAX_REGIONS} regions; the rest was left out.")
            break
        else:
            canvas.regions = (*canvas.regions, read_local(arguments, report, canvas.HTML_web_color_name))
        found = True
    return canvas if found else None


def _calls(data: Any, depth: int) -> Iterator[tuple[Method, dict[str, Any]]]:
    """The calls that `data` stands for, however it is wrapped; the global one first where it is told apart by a key."""
    if depth > MAX_DEPTH:
        return
    if isinstance(data, list):
        for item in data[: MAX_REGIONS + 2]:
            yield from _calls(item, depth + 1)
    if not isinstance(data, dict):
        return
    arguments = next((data[key] for key in _ARGUMENTS if isinstance(data.get(key), dict)), None)
    method = " ".join(str(data[key])[:60] for key in _METHODS if isinstance(data.get(key), str)).lower()
    if arguments is not None:
        yield ("global" if "global" in method else "local"), arguments
        return
    lists = [data[key] for key in _REGIONS if isinstance(data.get(key), (list, dict))]
    wrapped = [data[key] for key in _WRAPPERS if isinstance(data.get(key), (list, dict))]
    whole = next((data[key] for key in _GLOBALS if isinstance(data.get(key), (dict, str))), None)
    if not lists and not wrapped and whole is None:
        yield from _one(data, method)
        return
    if isinstance(whole, dict):
        yield "global", whole
    elif whole is not None or lists:
        own = {key: item for key, item in data.items() if key not in _GLOBALS and field_named(key, GLOBAL_FIELDS)}
        if own or whole:
            yield "global", {**({"description": whole} if whole else {}), **own}
    for item in lists:
        for region in item if isinstance(item, list) else [item]:
            if isinstance(region, dict):
                yield "local", next((region[key] for key in _ARGUMENTS if isinstance(region.get(key), dict)), region)
    for item in wrapped:
        yield from _calls(item, depth + 1)


def _one(data: dict[str, Any], method: str) -> Iterator[tuple[Method, dict[str, Any]]]:
    """`data` as the arguments of one call, if it looks like that."""
    fields = {field_named(key, LOCAL_FIELDS) for key in data}
    if "description" not in fields:
        return
    placed = fields & {"location", "area", "bbox", "distance_to_viewer"}
    if placed or "local" in method:
        yield "local", data
    elif "detailed_descriptions" in fields or "tags" in fields or "global" in method:
        yield "global", data


def _value(item: Any, depth: int) -> Value | Unusable:
    if item is None or isinstance(item, (str, bool, int, float)):
        return item
    if isinstance(item, dict):
        for edges in _EDGES:
            if all(edge in item for edge in edges):
                return _value([item[edge] for edge in edges], depth)
        return Unusable("it is an object, not a text, a number or a list")
    if not isinstance(item, (list, tuple)) or depth > MAX_DEPTH:
        return Unusable("it is no text, no number and no list")
    values = [_value(part, depth + 1) for part in item[: MAX_ITEMS + 1]]
    return tuple(value for value in values if not isinstance(value, Unusable))


def _is_comfy(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and all(isinstance(c, dict) and "rect" in c for c in data)


def _from_comfy(data: list[dict[str, Any]], notes: Notes, line: int) -> Canvas | None:
    canvas = Canvas()
    for number, condition in enumerate(data[: MAX_REGIONS + 1]):
        prefixes, suffixes = _strings(condition.get("prefixes")), _strings(condition.get("suffixes"))
        color = condition.get("color")
        name = read_triple([n for n in color if isinstance(n, (int, float))]) if isinstance(color, list) else None
        box = _rectangle(condition["rect"])
        if not number:
            if box != WHOLE:
                notes.add(
                    "repair", "bbox", line, 1, "The first condition does not cover the canvas; it is read as the whole."
                )
            canvas.set_global_description(" ".join(prefixes), suffixes, "", name or DEFAULT_COLOR)
        elif box is None:
            notes.add("error", "bbox", line, 1, f"region {number}: its rect covers nothing; the region was left out.")
        else:
            own = prefixes[1:] or prefixes
            shade = name or canvas.HTML_web_color_name
            canvas.regions = (*canvas.regions, _region(box, float(len(data) - number), own, suffixes, shade))
    return canvas


def _region(box: Box, distance: float, prefixes: list[str], suffixes: list[str], color: str) -> Region:
    return Region(*snap(box), distance, " ".join(prefixes), tuple(suffixes), "", "", "", "", color, box)


def _strings(value: Any) -> list[str]:
    return [item for item in value[:MAX_ITEMS] if isinstance(item, str)] if isinstance(value, list) else []


def _rectangle(value: Any) -> Box | None:
    """The box of a rect (top, bottom, left, right) in 90ths."""
    if not isinstance(value, list) or len(value) != 4 or not all(type(edge) in (int, float) for edge in value):
        return None
    top, bottom, left, right = (int(min(max(edge, 0), 90)) for edge in value)
    return Box(left, top, right, bottom) if left < right and top < bottom else None


def _json(text: str) -> Any:
    """The JSON value that `text` begins with, None where it begins with none."""
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _literal(text: str) -> Any:
    """The Python literal of dictionaries, lists and plain values that `text` holds, None where it holds none."""
    end = max(text.rfind("}"), text.rfind("]")) + 1
    if end > MAX_STATEMENT:
        return None
    try:
        return _plain(ast.parse(text[:end], "<canvas>", "eval").body, 0)
    except (ValueError, SyntaxError, MemoryError, RecursionError, OverflowError):
        return None


_NAMES = {"true": True, "false": False, "null": None}


def _plain(node: ast.expr, depth: int) -> Any:
    if depth > MAX_DEPTH + 2:
        raise ValueError("nested too deep")
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, int, float, bool, type(None))):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_plain(item, depth + 1) for item in node.elts]
    if isinstance(node, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
        return {
            str(key): _plain(item, depth + 1) for key, item in zip(keys, node.values, strict=True) if key is not None
        }
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return _NAMES[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _plain(node.operand, depth + 1)
        if isinstance(number, (int, float)):
            return -number
    raise ValueError("not a plain value")


_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{\]}]', re.DOTALL)


def _closed(text: str) -> str:
    """The text up to its last complete object or list, with the brackets that are open there closed."""
    stack, best = "", ""
    end = 0
    for token in _TOKEN.finditer(text):
        bracket = token[0]
        if bracket in "[{":
            stack += "]" if bracket == "[" else "}"
        elif bracket == stack[-1:]:
            stack = stack[:-1]
            end, best = token.end(), stack
        if len(stack) > MAX_DEPTH + 2:
            break
    return text[:end] + best[::-1]
