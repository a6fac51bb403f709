"""The values of a call to the fields of a region: by meaning and by value, within bounds, each change said aloud."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lib_omost.canvas import vocabulary
from lib_omost.canvas.canvas import DEFAULT_COLOR, MAX_DISTANCE, Region
from lib_omost.canvas.colors import color_in, is_canonical, read_color, read_triple
from lib_omost.canvas.reader.arguments import Arguments, NoteSink, named
from lib_omost.canvas.reader.notes import MAX_CHARACTERS, MAX_ITEMS, Level, brief
from lib_omost.canvas.reader.salvage import Argument, Unusable, Value
from lib_omost.canvas.source import clean, clean_lines
from lib_omost.canvas.vocabulary import GLOBAL_FIELDS, GLOBAL_KEYWORDS, GRID, LOCAL_FIELDS, TAUGHT_FIELDS, WHOLE, Box

DEFAULT_PLACE = ("in the center", "no offset", "a medium-sized square area")
DEFAULT_DISTANCE = 1.0
NEAREST = 0.1  # what a distance of zero or less becomes


@dataclass(frozen=True, slots=True)
class GlobalDescription:
    """The arguments of `set_global_description`."""

    description: str
    detailed_descriptions: tuple[str, ...]
    tags: str
    HTML_web_color_name: str
    locked: bool = False


def read_global(arguments: Sequence[Argument], report: NoteSink) -> GlobalDescription:
    """A global description, whatever the arguments are: what is missing or unusable gets a default."""
    given = named(arguments, GLOBAL_KEYWORDS, report)
    given.report_missing(GLOBAL_FIELDS)
    description = _text("description", given)
    return GlobalDescription(
        description,
        _texts("detailed_descriptions", given),
        _text("tags", given),
        _color(given, color_in(description) or DEFAULT_COLOR),
        _flag("locked", given),
    )


def read_local(arguments: Sequence[Argument], report: NoteSink, global_color: str) -> Region:
    """A region, whatever the arguments are: what is missing or unusable gets a default, `global_color` among them."""
    given = named(arguments, LOCAL_FIELDS, report)
    bbox = _bbox(given)
    given.report_missing(TAUGHT_FIELDS[3:] if bbox else TAUGHT_FIELDS)
    location, offset, area = vocabulary.snap(bbox) if bbox else DEFAULT_PLACE
    if bbox is None and _fills_canvas(given):
        bbox, area = WHOLE, "a large square area"
    description = _text("description", given)
    return Region(
        location=_word("location", given, vocabulary.LOCATIONS, vocabulary.find_location, location),
        offset=_word("offset", given, vocabulary.OFFSETS, vocabulary.find_offset, offset),
        area=_word("area", given, vocabulary.AREAS, vocabulary.find_area, area),
        distance_to_viewer=_distance(given),
        description=description,
        detailed_descriptions=_texts("detailed_descriptions", given),
        tags=_text("tags", given),
        atmosphere=_text("atmosphere", given),
        style=_text("style", given),
        quality_meta=_text("quality_meta", given),
        HTML_web_color_name=_color(given, color_in(description) or global_color),
        bbox=bbox,
        name=_text("name", given),
        negative=_text("negative", given),
        locked=_flag("locked", given),
        text=_text("text", given),
    )


def read_place(arguments: Sequence[Argument]) -> Box | None:
    """The box of a call that is still being written, None as long as its place is not complete."""
    given = named([argument for argument in arguments if argument.closed], LOCAL_FIELDS, _mute)
    if box := _bbox(given):
        return box
    if given.get("location") is None or given.get("area") is None:
        return None
    place = [given.get(field) for field in ("location", "offset", "area")]
    return read_local([a for a in place if a], _mute, DEFAULT_COLOR).box


def _mute(level: Level, code: str, argument: Argument | None, message: str) -> None: ...


def _fills_canvas(given: Arguments) -> bool:
    """True, with a note, for an area such as 'a full image area', which no words express: a free box has to."""
    argument = given.get("area")
    if argument is None or not isinstance(argument.value, str) or not vocabulary.fills_canvas(argument.value):
        return False
    meant = f"the whole canvas, bbox={tuple(WHOLE)}; the nearest words are 'a large square area'"
    given.repair("area", argument, f"area {brief(argument.value)} is read as {meant}.")
    del given.by_field["area"]
    return True


def _text(field: str, given: Arguments) -> str:
    argument = given.get(field)
    if argument is None:
        return ""
    value = argument.value
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        given.repair("type", argument, f"{field} is a list; its texts were joined by commas.")
        value = ", ".join(str(item) for item in value)
    elif not isinstance(value, str):
        plain = _plain(value)
        given.repair(
            "type",
            argument,
            f"{field} is {brief(value)}, not text in quotes; it is read as {brief(plain)}.",
        )
        value = plain
    return _bounded(field, value, argument, given)


def _plain(value: Value | Unusable) -> str:
    if value is None or isinstance(value, (bool, Unusable, tuple)):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)[:64]


def _flag(field: str, given: Arguments) -> bool:
    argument = given.get(field)
    if argument is None or isinstance(argument.value, bool):
        return argument is not None and bool(argument.value)
    meant = str(argument.value).strip().lower() in ("true", "yes", "1")
    given.repair("type", argument, f"{field} is {brief(argument.value)}, not True or False; it is read as {meant}.")
    return meant


def _bounded(field: str, value: str, argument: Argument, given: Arguments) -> str:
    if len(value) > MAX_CHARACTERS:
        message = f"A text of {field} has {len(value)} characters; it was cut to {MAX_CHARACTERS}."
        given.repair("bound", argument, message)
        value = value[:MAX_CHARACTERS]
    return clean_lines(value) if field == "text" else clean(value)


def _texts(field: str, given: Arguments) -> tuple[str, ...]:
    argument = given.get(field)
    if argument is None or argument.value is None:
        return ()
    value = argument.value
    if isinstance(value, str):
        given.repair("type", argument, f"{field} is one text, not a list in brackets; it is read as a list of one.")
        value = (value,)
    if not isinstance(value, tuple):
        given.repair("type", argument, f"{field} is {brief(value)}, not a list of texts; it was left out.")
        return ()
    flat = [part for item in value for part in (item if isinstance(item, tuple) else (item,))]
    texts = [item for item in flat if isinstance(item, str)]
    if len(texts) < len(flat):
        given.repair("type", argument, f"{len(flat) - len(texts)} of {field} are no texts; they were left out.")
    if len(texts) > MAX_ITEMS:
        given.repair("bound", argument, f"{field} has more than {MAX_ITEMS} texts; the rest was left out.")
    return tuple(_bounded(field, text, argument, given) for text in texts[:MAX_ITEMS])


def _word(
    field: str,
    given: Arguments,
    words: Sequence[str],
    find: Callable[[str], str | None],
    default: str,
) -> str:
    argument = given.get(field)
    if argument is None:
        return default
    value = argument.value
    if isinstance(value, str) and value in words:
        return value
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    text = value if isinstance(value, str) else ""
    plain = " ".join(text.lower().replace("_", " ").split()).strip(" .,")
    meant = plain if plain in words else find(text)
    if meant is None:
        choice = f"{brief(default)} stands in. Write one of: {', '.join(words)}."
        given.repair(field, argument, f"{field} {brief(value)} says no place; {choice}")
        return default
    given.repair(field, argument, f"{field} {brief(value)} is read as {brief(meant)}.")
    return meant


_FLOAT = re.compile(r"[-+]?\d{1,20}(?:\.\d{0,20})?")


def _distance(given: Arguments) -> float:
    argument = given.get("distance_to_viewer")
    if argument is None:
        return DEFAULT_DISTANCE
    value = argument.value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= MAX_DISTANCE:
        return float(value)
    number = _number(value)
    distance = DEFAULT_DISTANCE if number is None else min(number, MAX_DISTANCE) if number > 0 else NEAREST
    wanted = f"no number above 0 and up to {MAX_DISTANCE:.0f}"
    given.repair("distance", argument, f"distance_to_viewer {brief(value)} is {wanted}; it is read as {distance:g}.")
    return distance


def _number(value: Value | Unusable) -> float | None:
    if isinstance(value, str) and (found := _FLOAT.search(value[:64])):
        return float(found[0])
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        value = max(min(value, 10**9), -(10**9))  # before float() can overflow
    return None if math.isnan(value) else float(value)


def _color(given: Arguments, default: str) -> str:
    argument = given.get("HTML_web_color_name")
    if argument is None:
        return default
    value = argument.value
    if isinstance(value, str):
        if is_canonical(value):
            return value
        meant = read_color(value)
    else:
        numbers = value if isinstance(value, tuple) else ()
        triple = [n for n in numbers if isinstance(n, (int, float)) and not isinstance(n, bool)]
        meant = read_triple(triple) if len(triple) == len(numbers) else None
    if meant is None:
        given.repair(
            "color",
            argument,
            f"HTML_web_color_name {brief(value)} is no colour; {brief(default)} stands in.",
        )
        return default
    level: Level = "info" if isinstance(value, str) and value.strip()[:1] == "#" else "repair"
    given.report(level, "color", argument, f"HTML_web_color_name {brief(value)} is read as {brief(meant)}.")
    return meant


def _bbox(given: Arguments) -> Box | None:
    argument = given.get("bbox")
    if argument is None or argument.value is None:
        return None
    edges = _four(argument.value)
    if edges is None:
        wanted = "four numbers (left, top, right, bottom)"
        given.repair("bbox", argument, f"bbox {brief(argument.value)} is not {wanted}; the words place the region.")
        return None
    written = edges
    if all(0 <= edge <= 1 for edge in edges) and not all(edge.is_integer() for edge in edges):
        edges = [edge * GRID for edge in edges]
    left, right = sorted(_cell(edge) for edge in edges[0::2])
    top, bottom = sorted(_cell(edge) for edge in edges[1::2])
    if left == right or top == bottom:
        given.repair("bbox", argument, f"bbox {brief(argument.value)} covers nothing; the words place the region.")
        return None
    if [left, top, right, bottom] != written:
        cells = f"{(left, top, right, bottom)}, whole 90ths of the canvas"
        given.repair("bbox", argument, f"bbox {brief(argument.value)} is read as {cells}.")
    return Box(left, top, right, bottom)


def _four(value: Value | Unusable) -> list[float] | None:
    if isinstance(value, str):
        value = tuple(float(number) for number in _FLOAT.findall(value[:120]))
    if not isinstance(value, tuple) or len(value) != 4:
        return None
    numbers = [_number(item) for item in value if not isinstance(item, str)]
    found = [number for number in numbers if number is not None]
    return found if len(found) == 4 else None


def _cell(edge: float) -> int:
    return round(min(max(edge, 0.0), float(GRID)))
