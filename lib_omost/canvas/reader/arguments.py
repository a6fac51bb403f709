"""The arguments of a call under the names of their fields, whatever they were called. Does not look at the values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from lib_omost.canvas.reader.notes import Level, brief
from lib_omost.canvas.reader.salvage import Argument, Unusable
from lib_omost.canvas.vocabulary import OMITTABLE_FIELDS

#: Adds a note at an argument (None: at the call).
NoteSink = Callable[[Level, str, "Argument | None", str], None]


@dataclass(slots=True)
class Arguments:
    """The usable arguments of one call by field, and where to report what is wrong with one."""

    by_field: dict[str, Argument]
    report: NoteSink

    def get(self, field: str) -> Argument | None:
        return self.by_field.get(field)

    def repair(self, code: str, argument: Argument, message: str) -> None:
        self.report("repair", code, argument, message)

    def report_missing(self, wanted: Sequence[str]) -> None:
        """One note on all fields that are wanted, were not given, and may not be left out in silence."""
        missing = [field for field in wanted if field not in self.by_field and field not in OMITTABLE_FIELDS]
        if missing:
            message = f"Not given: {', '.join(missing)}; a default takes the place of each."
            self.report("repair", "missing", None, message)


def named(arguments: Sequence[Argument], fields: Sequence[str], report: NoteSink) -> Arguments:
    """Positions take the names in order, other spellings what they mean; the last of two counts."""
    given: dict[str, Argument] = {}
    positional = True
    for position, argument in enumerate(arguments):
        positional &= argument.name is None
        field = _field_of(argument, position if positional else None, fields, report)
        if field is None:
            continue
        if isinstance(argument.value, Unusable):
            report("error", "value", argument, f"{field} was left out: {argument.value.why}.")
            continue
        if field in given:
            report("repair", "doubled", argument, f"{field} is given twice; the second one counts.")
        given[field] = argument
    return Arguments(given, report)


def _field_of(argument: Argument, position: int | None, fields: Sequence[str], report: NoteSink) -> str | None:
    """The field that an argument is for; `position` is None after the first argument with a name."""
    if argument.name is None:
        if position is not None and position < len(fields):
            return fields[position]
        reason = f"There are only {len(fields)} arguments" if position else "A value without a name follows named ones"
        report("error", "argument", argument, f"{reason}; it was left out.")
        return None
    found = field_named(argument.name, fields)
    if found is None:
        report("error", "argument", argument, f"{brief(argument.name)} is no argument of this call; it was left out.")
    elif found != argument.name:
        report("repair", "argument", argument, f"{brief(argument.name)} is read as {found}.")
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
