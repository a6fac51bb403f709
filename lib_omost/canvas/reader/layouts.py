"""Layout prompts of other models (FLUX 3, Ideogram 4, FIBO) as the calls they stand for. Finds no JSON in a text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from lib_omost.canvas.canvas import DEFAULT_COLOR
from lib_omost.canvas.colors import color_in, is_canonical, read_color
from lib_omost.canvas.phrases import (
    citations,
    distinct,
    first_quoted,
    mention,
    sentences,
    split_text,
    without_citations,
)
from lib_omost.canvas.reader.notes import MAX_CHARACTERS, MAX_ITEMS, MAX_REGIONS, Level
from lib_omost.canvas.vocabulary import (
    GRID,
    WHOLE,
    Box,
    find_area,
    find_location,
    find_offset,
    snap,
)

#: Boxes of these models are [top, left, bottom, right] in thousandths of the picture.
THOUSAND = 1000
_TABLE = re.compile(r"\[(?=\s*(?:\{\s*\"|\]\s*\Z))")
_TABLE_TRIES = 64
#: The id of a row whose words stand in the picture as they are.
TEXT_BLOCK = re.compile(r"[A-Za-z]{2}_Text_\d+")
_PLACES = ("bbox", "tgt_bbox", "src_bbox")
#: What FIBO says of an object beside its description, in the order in which it becomes details.
_FIBO_DETAILS = (
    "appearance_details",
    "texture",
    "pose",
    "expression",
    "clothing",
    "action",
    "gender",
    "skin_tone_and_texture",
    "orientation",
    "relationship",
)

Say = Callable[[Level, str], None]
Keywords = dict[str, Any]


def split_flux(text: str) -> tuple[str, list[Any]] | None:
    """(caption, rows) of a FLUX 3 layout prompt, None for a text that does not end in a table of rows."""
    for found, _ in zip(_TABLE.finditer(text), range(_TABLE_TRIES), strict=False):
        try:
            rows = json.loads(text[found.start() :])
        except (ValueError, RecursionError):
            continue
        if rows == [] or is_table(rows):
            return text[: found.start()].strip(), rows
    return None


def is_table(data: Any) -> bool:
    """Whether `data` is the table of a FLUX 3 layout prompt: rows of id, box and desc."""
    return isinstance(data, list) and bool(data) and all(isinstance(row, dict) and _is_row(row) for row in data)


def captioned(rows: list[Any], before: str) -> Keywords:
    """A table and the caption that the text before it ends in: its last paragraph."""
    paragraphs = [
        part for part in re.split(r"\n\s*\n|^[ \t]*```\w*[ \t]*$", before, flags=re.MULTILINE) if part.strip()
    ]
    return {"caption": " ".join(paragraphs[-1].split()) if paragraphs else "", "elements": rows}


def as_calls(data: Any, say: Say) -> Keywords | None:
    """`data` as {"global": keywords, "regions": [keywords, ...]} where it is one of these layouts, else None."""
    if not isinstance(data, dict):
        return None
    if isinstance(data.get("caption"), str) and (data.get("elements") == [] or is_table(data.get("elements"))):
        return _of_flux(data["caption"], data["elements"], say)
    if isinstance(data.get("compositional_deconstruction"), dict):
        return _of_ideogram(data, data["compositional_deconstruction"], say)
    if is_fibo(data):
        return _of_fibo(data, say)
    return None


def is_fibo(data: Any) -> bool:
    """Whether `data` is a structured prompt of FIBO."""
    return isinstance(data, dict) and isinstance(data.get("short_description"), str)


def _is_row(row: Keywords) -> bool:
    return isinstance(row.get("id"), str) and isinstance(row.get("desc"), str) and any(key in row for key in _PLACES)


# ---------------------------------------------------------------------------- FLUX 3


def _of_flux(caption: str, rows: list[Keywords], say: Say) -> Keywords:
    regions, ids, mentions = [], [], []
    removed = [row["id"][:60] for row in rows if "tgt_bbox" in row and row["tgt_bbox"] is None]
    shown = [row for row in rows if "tgt_bbox" not in row or row["tgt_bbox"] is not None]
    for identifier in removed:
        say("info", f"{identifier} is removed from the picture; it became no region.")
    for number, row in enumerate(shown[: MAX_REGIONS + 1]):
        block = TEXT_BLOCK.fullmatch(row["id"]) is not None
        desc, text = split_text(row["desc"].strip()) if block else (row["desc"], "")
        text = text or (first_quoted(desc) if block else "")
        words = sentences(desc)
        given = next((row[key] for key in _PLACES if row.get(key) is not None), None)
        box = _box(given, f"the bbox of {row['id'][:60]}", say)
        name = "" if block else _name(row["id"], words)
        regions.append(_region(words, box, len(shown) - number, name=name, text=text))
        ids.append(row["id"])
        mentions.append(mention(words[0] if words else f'the text "{text}"'))
    tail = " ".join(citations(mentions, ids).split())
    whole = " ".join(caption.split())
    whole = whole.removesuffix(tail) if tail else whole
    return {"global": _whole(sentences(without_citations(whole))), "regions": regions}


def stem_of(words: str, most: int = 3) -> str:
    """The first words that an id is made of, in small letters: `red_apple` of 'A red apple on a plate of tin'."""
    found = [word for word in re.findall(r"[a-z0-9]+", words.lower()) if word not in ("a", "an", "the", "of")]
    stem = "_".join(found[:most])
    return stem if stem[:1].isalpha() else f"element_{stem}" if stem else "element"


def _name(identifier: str, words: list[str]) -> str:
    """The name that an id says, "" where it only repeats the description."""
    stem = re.sub(r"_\d+\Z", "", identifier)
    return "" if stem in ("element", stem_of(words[0] if words else "")) else stem.replace("_", " ").strip()


# ---------------------------------------------------------------------------- Ideogram 4


def _of_ideogram(data: Keywords, parts: Keywords, say: Say) -> Keywords:
    style = data["style_description"] if isinstance(data.get("style_description"), dict) else {}
    elements = [item for item in _list(parts.get("elements")) if isinstance(item, dict)]
    summary = sentences(_string(data, "high_level_description"))
    if len(elements) == 1 and "bbox" not in elements[0] and sentences(_string(elements[0], "desc")) == summary:
        elements = []  # the picture as its own only element
    whole = _whole(summary, sentences(_string(parts, "background")), _string(style, "aesthetics"), _palette(style))
    regions = []
    for number, item in enumerate(elements[: MAX_REGIONS + 1]):
        box = _box(item.get("bbox", list(_WHOLE_BOX)), f"the bbox of element {number + 1}", say)
        region = _region(sentences(_string(item, "desc")), box, number + 1, color=_palette(item))
        region |= {"atmosphere": distinct(_string(style, "lighting")), "style": _style(style)}
        region["text"] = _string(item, "text") if item.get("type") == "text" else ""
        regions.append(region)
    return {"global": whole, "regions": regions}


def _style(style: Keywords) -> str:
    """`photo`, or `art_style` and `medium`, as one text; that it is a photograph stays said."""
    if "photo" in style:
        photo = distinct(_string(style, "photo"))
        return photo if "photo" in photo.lower() else distinct("photo", photo)
    return distinct(_string(style, "art_style"), _string(style, "medium"))


def _palette(item: Keywords) -> str:
    """The first colour of a palette, "" where there is none."""
    return next(
        (c for value in _list(item.get("color_palette")) if isinstance(value, str) and (c := read_color(value))), ""
    )


# ---------------------------------------------------------------------------- FIBO


def _of_fibo(data: Keywords, say: Say) -> Keywords:
    aesthetics = data["aesthetics"] if isinstance(data.get("aesthetics"), dict) else {}
    summary, background = sentences(_string(data, "short_description")), _string(data, "background_setting")
    color = _string(aesthetics, "color_scheme")
    whole = _whole(summary, sentences(background), _string(data, "context"), _fibo_color(color))
    mood, style = _string(aesthetics, "mood_atmosphere"), _string(data, "style_medium")
    objects = [item for item in _list(data.get("objects")) if isinstance(item, dict)]
    texts = [item for item in _list(data.get("text_render")) if isinstance(item, dict) and _string(item, "text")]
    on_objects = [(item, "description", _drawn_on(item, texts)) for item in objects]
    alone = [(item, "font", _string(item, "text")) for item in texts]
    regions = []
    for number, (item, first, text) in enumerate([*on_objects, *alone][: MAX_REGIONS + 1]):
        words = sentences(*(_string(item, key) for key in (first, *_FIBO_DETAILS)))
        region = _region(words, None, number + 1, color=_fibo_color(_string(item, "shape_and_color", "color")))
        region |= _fibo_place(item, say) | {"atmosphere": distinct(mood), "style": distinct(style), "text": text}
        regions.append(region)
    return {"global": whole, "regions": regions}


def _drawn_on(item: Keywords, texts: list[Keywords]) -> str:
    """The words that are drawn on an object: those at its very place, in its size and colour. They leave `texts`."""

    def place(one: Keywords) -> list[str]:
        return [
            _string(one, "location"),
            _string(one, "relative_size", "size"),
            _string(one, "shape_and_color", "color"),
        ]

    for at, text in enumerate(texts):
        if place(text) == place(item):
            return _string(texts.pop(at), "text")
    return ""


def _fibo_place(item: Keywords, say: Say) -> Keywords:
    """Location, offset and area of 'top-left, slightly to the lower' and 'small square'."""
    where, size = _string(item, "location"), _string(item, "relative_size", "size")
    first, _, second = where.partition(",")
    location = find_location(first)
    if location is None:
        say("repair", f"location {where[:60]!r} says no place; 'in the center' stands in.")
    return {
        "location": location or "in the center",
        "offset": (find_offset(second) if second.strip() else None) or "no offset",
        "area": find_area(size) or "a medium-sized square area",
    }


def _fibo_color(text: str) -> str:
    return text if is_canonical(text) else color_in(text) or ""


# ---------------------------------------------------------------------------- what all share


_WHOLE_BOX = (0, 0, THOUSAND, THOUSAND)


def thousandths(box: Box) -> list[int]:
    """[top, left, bottom, right] in 0..1000; `_box` reads the very same box from it."""
    return [round(edge * THOUSAND / GRID) for edge in (box.top, box.left, box.bottom, box.right)]


def _box(given: Any, what: str, say: Say) -> Box:
    """The box of [top, left, bottom, right] in 0..1000, or in 0..1; else the whole canvas, with a note."""
    edges = [float(edge) for edge in _numbers(given)]
    if len(edges) != 4:
        say("repair", f"{what} is not [top, left, bottom, right] in 0..{THOUSAND}; the whole canvas stands in.")
        return WHOLE
    if max(edges) <= 1:
        edges = [edge * THOUSAND for edge in edges]
    top, bottom = _span(edges[0], edges[2])
    left, right = _span(edges[1], edges[3])
    return Box(left, top, right, bottom)


def _span(one: float, other: float) -> tuple[int, int]:
    first, last = sorted(min(max(edge, 0.0), float(THOUSAND)) for edge in (one, other))
    start = min(round(first * GRID / THOUSAND), GRID - 1)
    return start, max(round(last * GRID / THOUSAND), start + 1)


def _numbers(given: Any) -> Iterator[float]:
    for edge in _list(given)[:5]:
        if isinstance(edge, (int, float)) and not isinstance(edge, bool):
            bounded = max(min(edge, 10 * THOUSAND), -THOUSAND)  # before a long integer meets float
            if not math.isnan(bounded):
                yield bounded


def _region(
    words: list[str], box: Box | None, distance: int, *, color: str = "", name: str = "", text: str = ""
) -> Keywords:
    """The keywords of a region; what these formats have no place for is empty."""
    place = dict(zip(("location", "offset", "area"), snap(box), strict=True)) if box else {}
    return {
        **place,
        **({"bbox": list(box)} if box else {}),
        "distance_to_viewer": float(distance),
        **_described(words, color),
        "tags": "",
        "atmosphere": "",
        "style": "",
        "quality_meta": "",
        "name": name,
        "text": text,
    }


def _whole(words: list[str], details: list[str] | None = None, tags: str = "", color: str = "") -> Keywords:
    """The keywords of the global description; without `details` all but the first sentence are."""
    if details is None:
        return {**_described(words, color), "tags": tags}
    said = _described([" ".join(words), *details], color)
    return {**said, "tags": tags}


def _described(words: list[str], color: str) -> Keywords:
    """Description, details and colour; what is more than a list may hold is joined in its last item."""
    first, details = (words[0] if words else ""), words[1:]
    if len(details) > MAX_ITEMS:
        details = [*details[: MAX_ITEMS - 1], " ".join(details[MAX_ITEMS - 1 :])[:MAX_CHARACTERS]]
    shade = color or color_in(first) or DEFAULT_COLOR
    return {"description": first, "detailed_descriptions": details, "HTML_web_color_name": shade}


def _string(item: Keywords, *keys: str) -> str:
    """The first text among the values of `keys`, "" where there is none."""
    return next((item[key] for key in keys if isinstance(item.get(key), str)), "")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
