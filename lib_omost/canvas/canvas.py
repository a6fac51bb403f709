"""Region and Canvas: the value that everything else passes round. How text becomes one is the reader's business.

Our JSON, version 1:

    {"format": "omost-canvas", "version": 1,
     "global": {"description": text, "detailed_descriptions": [text, ...], "tags": text, "HTML_web_color_name": colour},
     "regions": [{"location": words, "offset": words, "area": words, "distance_to_viewer": number, "description": text,
                  "detailed_descriptions": [text, ...], "tags": text, "atmosphere": text, "style": text,
                  "quality_meta": text, "HTML_web_color_name": colour,
                  "bbox": [left, top, right, bottom] in 90ths, "name": text, "negative": text}, ...]}

`bbox`, `name` and `negative` are optional; a colour is one of the 149 names or #rrggbb.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_omost.canvas import source
from lib_omost.canvas.colors import RGB, is_canonical, read_color, rgb_of
from lib_omost.canvas.vocabulary import GRID, TAUGHT_FIELDS, Box, box_of
from lib_omost.errors import VocabularyError

FORMAT, VERSION = "omost-canvas", 1
MAX_DISTANCE = 1e6
#: (mask `(90, 90)` of 0 and 1, prefixes, suffixes): where a text applies, what opens each of its bags, what fills them.
Condition = tuple[npt.NDArray[np.float32], list[str], list[str]]
DEFAULT_COLOR = "gray"
_WRITTEN = (*TAUGHT_FIELDS[:3], "bbox", *TAUGHT_FIELDS[3:], "name", "negative")


@dataclass(frozen=True, slots=True)
class Region:
    """One local description. Texts are cleaned of control characters; a value out of place raises `VocabularyError`."""

    location: str
    offset: str
    area: str
    distance_to_viewer: float
    description: str
    detailed_descriptions: tuple[str, ...]
    tags: str
    atmosphere: str
    style: str
    quality_meta: str
    HTML_web_color_name: str
    bbox: Box | None = None
    name: str = ""
    negative: str = ""

    def __post_init__(self) -> None:
        for field in (
            "location",
            "offset",
            "area",
            "description",
            "tags",
            "atmosphere",
            "style",
            "quality_meta",
            "name",
            "negative",
        ):
            object.__setattr__(self, field, _text(field, getattr(self, field)))
        box_of(self.location, self.offset, self.area)
        object.__setattr__(self, "detailed_descriptions", _texts(self.detailed_descriptions))
        object.__setattr__(self, "distance_to_viewer", _distance(self.distance_to_viewer))
        object.__setattr__(self, "HTML_web_color_name", _color(self.HTML_web_color_name))
        if self.bbox is not None and not isinstance(self.bbox, Box):
            object.__setattr__(self, "bbox", _box(self.bbox))

    @property
    def box(self) -> Box:
        """The free box where there is one, else that of the three words."""
        return self.bbox or box_of(self.location, self.offset, self.area)

    @property
    def color(self) -> RGB:
        return rgb_of(self.HTML_web_color_name)

    @property
    def mask(self) -> npt.NDArray[np.float32]:
        """`(90, 90)`, 1 inside the box."""
        mask = np.zeros((GRID, GRID), np.float32)
        box = self.box
        mask[box.top : box.bottom, box.left : box.right] = 1.0
        return mask


@dataclass(slots=True)
class Canvas:
    """A whole picture in words: one global description and the regions, in the order written.

    The two methods are what a language model sees. They change it in place, since the taught language does; apart from
    them it is passed round, compared and copied as a value, and nothing else changes one that it did not make.
    """

    global_description: str = ""
    detailed_descriptions: tuple[str, ...] = ()
    tags: str = ""
    HTML_web_color_name: str = DEFAULT_COLOR
    regions: tuple[Region, ...] = ()

    def set_global_description(
        self, description: str, detailed_descriptions: Sequence[str], tags: str, HTML_web_color_name: str
    ) -> None:
        """What holds for the whole picture. Raises `VocabularyError` for a value that no canvas can hold."""
        self.global_description = _text("description", description)
        self.detailed_descriptions = _texts(detailed_descriptions)
        self.tags = _text("tags", tags)
        self.HTML_web_color_name = _color(HTML_web_color_name)

    def add_local_description(
        self,
        location: str,
        offset: str,
        area: str,
        distance_to_viewer: float,
        description: str,
        detailed_descriptions: Sequence[str],
        tags: str,
        atmosphere: str,
        style: str,
        quality_meta: str,
        HTML_web_color_name: str,
        *,
        bbox: Box | Sequence[int] | None = None,
        name: str = "",
        negative: str = "",
    ) -> None:
        """One region more. `bbox` in 90ths overrides the three words. Raises `VocabularyError` as `Region` does."""
        region = Region(
            location,
            offset,
            area,
            distance_to_viewer,
            description,
            _texts(detailed_descriptions),
            tags,
            atmosphere,
            style,
            quality_meta,
            HTML_web_color_name,
            None if bbox is None else _box(bbox),
            name,
            negative,
        )
        self.regions = (*self.regions, region)

    @property
    def color(self) -> RGB:
        return rgb_of(self.HTML_web_color_name)

    def layers(self) -> list[Region]:
        """The regions far to near; equal distances stay in the order written."""
        return sorted(self.regions, key=lambda region: -region.distance_to_viewer)

    def conditions(self) -> list[Condition]:
        """The whole canvas first, then the layers: mask, prefixes and suffixes of each, every text with one full stop.

        Empty texts are left out. Without any global text the whole canvas says what its regions show.
        """
        prefixes = _sentences(self.global_description)
        suffixes = _sentences(*self.detailed_descriptions, self.tags)
        if not prefixes and not suffixes:
            suffixes = _sentences(*(region.description for region in self.regions))
        layers = self.layers()
        return [(np.ones((GRID, GRID), np.float32), prefixes, suffixes)] + [
            (r.mask, prefixes + _sentences(r.description), _region_suffixes(r)) for r in layers
        ]

    def color_image(self) -> npt.NDArray[np.uint8]:
        """`(90, 90, 3)`: the global colour, then each box far to near as 0.7 of its colour and 0.3 of what is there."""
        image = np.empty((GRID, GRID, 3), np.float32)
        image[:] = self.color
        for region in self.layers():
            box = region.box
            there = image[box.top : box.bottom, box.left : box.right]
            there[:] = 0.7 * np.array(region.color, np.float32) + 0.3 * there
        return image.clip(0, 255).astype(np.uint8)

    def to_code(self) -> str:
        """The program that reads back as this canvas, without a fence."""
        parts = [
            "# Initialize the canvas\ncanvas = Canvas()",
            "# Describe the picture\n" + source.call("canvas", "set_global_description", global_arguments(self)),
        ]
        return "\n\n".join(parts + [region_code(region) for region in self.regions]) + "\n"

    def to_data(self) -> dict[str, Any]:
        """This canvas as plain data, ready for JSON, as the head of this file describes it."""
        regions = [region_arguments(region) for region in self.regions]
        return {"format": FORMAT, "version": VERSION, "global": global_arguments(self), "regions": regions}

    def to_json(self) -> str:
        """Our own JSON, as the head of this file describes it."""
        return json.dumps(self.to_data(), ensure_ascii=False, indent=2)

    @staticmethod
    def from_json(text: str) -> Canvas:
        """The canvas of `to_json`. Raises `CanvasError` with the notes of what is wrong."""
        # The one upward import of the library, here and below: two constructors of the taught class need a parser.
        from lib_omost.canvas.reader import canvas_of_json

        return canvas_of_json(text)

    @staticmethod
    def from_bot_response(text: str) -> Canvas:
        """The canvas of a language model's reply. Raises `CanvasError` with the notes where there is none."""
        from lib_omost.canvas.reader import canvas_of

        return canvas_of(text)


def global_arguments(canvas: Canvas) -> dict[str, source.Writable]:
    """The keywords of the global description as plain values."""
    return {
        "description": canvas.global_description,
        "detailed_descriptions": list(canvas.detailed_descriptions),
        "tags": canvas.tags,
        "HTML_web_color_name": canvas.HTML_web_color_name,
    }


def region_arguments(region: Region) -> dict[str, source.Writable]:
    """The keywords of `region` as plain values, optional ones only where they say something, all of the place first."""
    values = {field: getattr(region, field) for field in _WRITTEN}
    values["detailed_descriptions"] = list(region.detailed_descriptions)
    values["bbox"] = None if region.bbox is None else tuple(region.bbox)
    return {field: value for field, value in values.items() if value or field not in ("bbox", "name", "negative")}


def region_code(region: Region, variable: str = "canvas", indent: str = "", newline: str = "\n") -> str:
    """A comment and the call that adds `region`."""
    title = source.comment(f"Add {region.name or region.description or 'a region'}")
    arguments = region_arguments(region)
    return f"{indent}{title}{newline}" + source.call(variable, "add_local_description", arguments, indent, newline)


def _sentences(*texts: str) -> list[str]:
    stripped = (text.strip(",. ") for text in texts)
    return [text + "." for text in stripped if text]


def _region_suffixes(region: Region) -> list[str]:
    return _sentences(*region.detailed_descriptions, region.tags, region.atmosphere, region.style, region.quality_meta)


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise VocabularyError(f"{field} is {type(value).__name__}, not text: write it in quotes")
    return source.clean(str(value))


def _texts(value: Any) -> tuple[str, ...]:
    items = (value,) if isinstance(value, str) else tuple(value)
    return tuple(_text("detailed_descriptions", item) for item in items)


def _distance(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= MAX_DISTANCE:
        raise VocabularyError(f"distance_to_viewer is {value!r}: give a number above 0 and at most {MAX_DISTANCE:g}")
    return float(value)


def _color(value: Any) -> str:
    name = _text("HTML_web_color_name", value)
    if is_canonical(name):
        return name
    meant = read_color(name)
    if meant and name.startswith("#"):
        return meant
    hint = f"; {meant!r} comes nearest" if meant else ""
    raise VocabularyError(f"HTML_web_color_name {name[:60]!r} is no CSS colour name and no #rrggbb{hint}")


def _box(value: Any) -> Box:
    edges = tuple(value)
    if len(edges) != 4:
        raise VocabularyError(f"bbox has {len(edges)} numbers: give four, (left, top, right, bottom) in 90ths")
    return Box(*edges)
