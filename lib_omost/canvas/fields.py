"""The arguments of a call to the fields of a region: by meaning and by value, within bounds, each change said aloud."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from lib_omost.canvas import vocabulary
from lib_omost.canvas.canvas import DEFAULT_COLOR, MAX_DISTANCE, Region
from lib_omost.canvas.colors import color_in, is_canonical, read_color, read_triple
from lib_omost.canvas.notes import MAX_CHARACTERS, MAX_ITEMS, Level, shown
from lib_omost.canvas.salvage import Argument, Unusable, Value
from lib_omost.canvas.text import clean
from lib_omost.canvas.vocabulary import GLOBAL_FIELDS, GRID, LOCAL_FIELDS, WHOLE, Box

#: Adds a note at an argument (None: at the call).
Say = Callable[[Level, str, "Argument | None", str], None]
DEFAULT_LOCATION, DEFAULT_OFFSET, DEFAULT_AREA, DEFAULT_DISTANCE = (
    "in the center",
    "no offset",
    "a medium-sized square area",
    1.0,
)
NEAREST = 0.1  # what a distance of zero or less becomes


@dataclass(frozen=True, slots=True)
class GlobalDescription:
    """The arguments of `set_global_description`."""

    description: str
    detailed_descriptions: tuple[str, ...]
    tags: str
    HTML_web_color_name: str


def read_global(arguments: Sequence[Argument], say: Say) -> GlobalDescription:
    given = _named(arguments, GLOBAL_FIELDS, say)
    _say_missing(given, GLOBAL_FIELDS, say)
    description = _text("description", given, say)
    return GlobalDescription(
        description,
        _texts("detailed_descriptions", given, say),
        _text("tags", given, say),
        _color(given, say, color_in(description) or DEFAULT_COLOR),
    )


def read_local(arguments: Sequence[Argument], say: Say, global_color: str) -> Region:
    """A region, whatever the arguments are: what is missing or unusable gets a default, `global_color` among them."""
    given = _named(arguments, LOCAL_FIELDS, say)
    bbox = _bbox(given, say)
    location, offset, area = vocabulary.snap(bbox) if bbox else (DEFAULT_LOCATION, DEFAULT_OFFSET, DEFAULT_AREA)
    if bbox is None and (argument := given.get("area")) and isinstance(argument.value, str):
        bbox = WHOLE if vocabulary.fills_canvas(argument.value) else None
    wanted = vocabulary.TAUGHT_FIELDS[3:] if bbox else vocabulary.TAUGHT_FIELDS
    _say_missing(given, wanted, say)
    description = _text("description", given, say)
    return Region(
        location=_word("location", given, say, vocabulary.LOCATIONS, vocabulary.find_location, location),
        offset=_word("offset", given, say, vocabulary.OFFSETS, vocabulary.find_offset, offset),
        area=_word("area", given, say, vocabulary.AREAS, vocabulary.find_area, area),
        distance_to_viewer=_distance(given, say),
        description=description,
        detailed_descriptions=_texts("detailed_descriptions", given, say),
        tags=_text("tags", given, say),
        atmosphere=_text("atmosphere", given, say),
        style=_text("style", given, say),
        quality_meta=_text("quality_meta", given, say),
        HTML_web_color_name=_color(given, say, color_in(description) or global_color),
        bbox=bbox,
        name=_text("name", given, say),
        negative=_text("negative", given, say),
    )


def read_place(arguments: Sequence[Argument]) -> Box | None:
    """The box of a call that is still being written, None as long as its place is not complete."""
    given = _named([a for a in arguments if a.closed], LOCAL_FIELDS, _mute)
    if box := _bbox(given, _mute):
        return box
    if not all(field in given for field in ("location", "offset", "area")):
        return None
    return read_local([given[field] for field in ("location", "offset", "area")], _mute, DEFAULT_COLOR).box


def _mute(level: Level, code: str, argument: Argument | None, message: str) -> None: ...


_ALIASES = {
    "color": "HTML_web_color_name",
    "colour": "HTML_web_color_name",
    "color_name": "HTML_web_color_name",
    "html_color": "HTML_web_color_name",
    "web_color": "HTML_web_color_name",
    "html_color_name": "HTML_web_color_name",
    "html_web_color": "HTML_web_color_name",
    "distance": "distance_to_viewer",
    "depth": "distance_to_viewer",
    "position": "location",
    "place": "location",
    "size": "area",
    "details": "detailed_descriptions",
    "sub_descriptions": "detailed_descriptions",
    "desc": "description",
    "prompt": "description",
    "global_description": "description",
    "quality": "quality_meta",
    "mood": "atmosphere",
    "box": "bbox",
    "bounding_box": "bbox",
    "rect": "bbox",
    "negative_prompt": "negative",
    "label": "name",
    "title": "name",
}


def _named(arguments: Sequence[Argument], fields: Sequence[str], say: Say) -> dict[str, Argument]:
    """Field to argument: positions take the names in order, other spellings what they mean, the last of two counts."""
    given: dict[str, Argument] = {}
    for position, argument in enumerate(arguments):
        field = _field_of(argument, position, fields, say)
        if field is None:
            continue
        if isinstance(argument.value, Unusable):
            say("error", "value", argument, f"{field} was left out: {argument.value.why}.")
            continue
        if field in given:
            say("repair", "doubled", argument, f"{field} is given twice; the second one counts.")
        given[field] = argument
    return given


def _field_of(argument: Argument, position: int, fields: Sequence[str], say: Say) -> str | None:
    if argument.name is None:
        if position < len(fields):
            return fields[position]
        say("error", "argument", argument, f"There are only {len(fields)} arguments; what follows them was left out.")
        return None
    found = field_named(argument.name, fields)
    if found is None:
        say("error", "argument", argument, f"{shown(argument.name)} is no argument of this call; it was left out.")
    elif found != argument.name:
        say("repair", "argument", argument, f"{shown(argument.name)} is read as {found}.")
    return found


def field_named(name: str, fields: Sequence[str]) -> str | None:
    """The field that `name` means: itself, another usual name, or one that is a slip away."""
    if name in fields:
        return name
    lowered, by_lower = name.lower(), {field.lower(): field for field in fields}
    similar = [field for field in by_lower if abs(len(field) - len(lowered)) <= 4]
    close = get_close_matches(lowered, similar, 1, 0.8)
    found = by_lower.get(lowered) or _ALIASES.get(lowered) or (by_lower[close[0]] if close else None)
    return found if found in fields else None


def _say_missing(given: dict[str, Argument], wanted: Sequence[str], say: Say) -> None:
    missing = [field for field in wanted if field not in given]
    if missing:
        say("repair", "missing", None, f"Not given: {', '.join(missing)}; a default takes the place of each.")


def _text(field: str, given: dict[str, Argument], say: Say) -> str:
    argument = given.get(field)
    if argument is None:
        return ""
    value = argument.value
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        say("repair", "type", argument, f"{field} is a list; its texts were joined by commas.")
        value = ", ".join(str(item) for item in value)
    elif not isinstance(value, str):
        say(
            "repair",
            "type",
            argument,
            f"{field} is {shown(value)}, not text in quotes; it is read as {shown(_plain(value))}.",
        )
        value = _plain(value)
    return _bounded(field, value, argument, say)


def _plain(value: Value | Unusable) -> str:
    if value is None or isinstance(value, (bool, Unusable, tuple)):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)[:64]


def _bounded(field: str, value: str, argument: Argument, say: Say) -> str:
    if len(value) > MAX_CHARACTERS:
        say(
            "repair",
            "bound",
            argument,
            f"A text of {field} has {len(value)} characters; it was cut to {MAX_CHARACTERS}.",
        )
        value = value[:MAX_CHARACTERS]
    return clean(value)


def _texts(field: str, given: dict[str, Argument], say: Say) -> tuple[str, ...]:
    argument = given.get(field)
    if argument is None or argument.value is None:
        return ()
    value = argument.value
    if isinstance(value, str):
        say("repair", "type", argument, f"{field} is one text, not a list in brackets; it is read as a list of one.")
        value = (value,)
    if not isinstance(value, tuple):
        say("repair", "type", argument, f"{field} is {shown(value)}, not a list of texts; it was left out.")
        return ()
    flat = [part for item in value for part in (item if isinstance(item, tuple) else (item,))]
    texts = [item for item in flat if isinstance(item, str)]
    if len(texts) < len(flat):
        say("repair", "type", argument, f"{len(flat) - len(texts)} of {field} are no texts; they were left out.")
    if len(texts) > MAX_ITEMS:
        say("repair", "bound", argument, f"{field} has more than {MAX_ITEMS} texts; the rest was left out.")
    return tuple(_bounded(field, text, argument, say) for text in texts[:MAX_ITEMS])


def _word(
    field: str,
    given: dict[str, Argument],
    say: Say,
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
        choice = f"{shown(default)} stands in. Write one of: {', '.join(words)}."
        say("repair", field, argument, f"{field} {shown(value)} says no place; {choice}")
        return default
    say("repair", field, argument, f"{field} {shown(value)} is read as {shown(meant)}.")
    return meant


_FLOAT = re.compile(r"[-+]?\d{1,20}(?:\.\d{0,20})?")


def _distance(given: dict[str, Argument], say: Say) -> float:
    argument = given.get("distance_to_viewer")
    if argument is None:
        return DEFAULT_DISTANCE
    value = argument.value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= MAX_DISTANCE:
        return float(value)
    number = _number(value)
    distance = DEFAULT_DISTANCE if number is None else min(number, MAX_DISTANCE) if number > 0 else NEAREST
    wanted = f"no number above 0 and up to {MAX_DISTANCE:.0f}"
    say("repair", "distance", argument, f"distance_to_viewer {shown(value)} is {wanted}; it is read as {distance:g}.")
    return distance


def _number(value: Value | Unusable) -> float | None:
    if isinstance(value, str) and (found := _FLOAT.search(value[:64])):
        return float(found[0])
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        value = max(min(value, 10**9), -(10**9))  # before float() can overflow
    return None if math.isnan(value) else float(value)


def _color(given: dict[str, Argument], say: Say, default: str) -> str:
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
        say(
            "repair", "color", argument, f"HTML_web_color_name {shown(value)} is no colour; {shown(default)} stands in."
        )
        return default
    level: Level = "info" if isinstance(value, str) and value.strip()[:1] == "#" else "repair"
    say(level, "color", argument, f"HTML_web_color_name {shown(value)} is read as {shown(meant)}.")
    return meant


def _bbox(given: dict[str, Argument], say: Say) -> Box | None:
    argument = given.get("bbox")
    if argument is None or argument.value is None:
        return None
    edges = _four(argument.value)
    if edges is None:
        wanted = "four numbers (left, top, right, bottom)"
        say("repair", "bbox", argument, f"bbox {shown(argument.value)} is not {wanted}; the words place the region.")
        return None
    written = edges
    if all(0 <= edge <= 1 for edge in edges) and not all(edge.is_integer() for edge in edges):
        edges = [edge * GRID for edge in edges]
    left, right = sorted(_cell(edge) for edge in edges[0::2])
    top, bottom = sorted(_cell(edge) for edge in edges[1::2])
    if left == right or top == bottom:
        say("repair", "bbox", argument, f"bbox {shown(argument.value)} covers nothing; the words place the region.")
        return None
    if [left, top, right, bottom] != written:
        cells = f"{(left, top, right, bottom)}, whole 90ths of the canvas"
        say("repair", "bbox", argument, f"bbox {shown(argument.value)} is read as {cells}.")
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
