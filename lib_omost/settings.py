"""What a field of settings says of itself, once: label, help, bounds, step, group; and the checks made of it. Knows no
field and no widget.

A field is declared as `steps: Annotated[int, Field(title=…, description=…, ge=1, le=1000), Shown(GROUP, 1, 100)] = 25`.
The page's widgets, the command line's options, the parameters of the endpoints and the reading of files are made of
`table(RenderSettings)` and `table(ComposeSettings)`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from lib_omost.errors import SettingsError

S = TypeVar("S")
STRICT = ConfigDict(strict=True, allow_inf_nan=False)  # True is no number, "7" is none either, 1 does for 1.0
NUMBERS = {int: "a whole number", float: "a number"}
MANY = {int: "whole numbers", float: "numbers"}


@dataclass(frozen=True, slots=True)
class Shown:
    """How a field is offered to a person. Its bounds are its Field's; `low` to `high` is what the page offers of them,
    of a text the length.

    `group`: the heading on the page, "" for none and no widget. `typed`: a number to type, no slider. `choices`: value
    -> label, where nothing else will do. `unit`: what is counted. `option`: the command line's name, where it is
    another.
    """

    group: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    typed: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    option: str = ""


@dataclass(frozen=True)
class Setting:
    """One field with all it says. `kind`: int, float, bool or str; `many`: a tuple of these; `optional`: or None."""

    name: str
    default: Any
    hint: Any
    kind: type
    many: bool
    optional: bool
    info: FieldInfo
    bounds: Mapping[str, float]
    shown: Shown

    @property
    def label(self) -> str:
        return self.info.title or self.name

    @property
    def help(self) -> str:
        return self.info.description or ""

    @property
    def option(self) -> str:
        return self.shown.option or self.name.replace("_", "-")

    @property
    def step(self) -> float | None:
        return self.shown.step or self.bounds.get("multiple_of")

    @property
    def wanted(self) -> str:
        """What would do, in words."""
        if self.shown.choices:
            names = ", ".join(name for name in self.shown.choices if name)
            return f"one of: {names}" + (", or nothing" if "" in self.shown.choices else "")
        if self.kind not in NUMBERS:
            return "true or false" if self.kind is bool else "a text"
        noun = (MANY if self.many else NUMBERS)[self.kind]
        return f"{noun}{between(self.bounds)}{', or none' if self.optional else ''}"

    def check(self, value: Any) -> None:
        """Raises SettingsError, with what would do, for a value that is not of the type or not within the bounds."""
        try:
            self._adapter.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            raise SettingsError(self._sentence(first["type"], first["input"])) from None
        if self.shown.choices and value not in self.shown.choices:
            raise SettingsError(f"{self.name} is {value!r:.80}; it wants {self.wanted}.")

    def check_offered(self, value: Any) -> None:
        """The same, within what the page offers."""
        self.check(value)
        low, high = self.shown.low, self.shown.high
        size = len(value) if isinstance(value, str) else value
        if size is None or ((low is None or low <= size) and (high is None or size <= high)):
            return
        what = f"{self.name} has {size} characters" if isinstance(value, str) else f"{self.name} is {size}"
        raise SettingsError(f"{what}; here it wants {self.offered}.")

    @property
    def offered(self) -> str:
        """What the page offers, in words."""
        if self.kind is str and self.shown.high is not None:
            return f"at most {_shown(self.shown.high)} characters"
        low, high = self.shown.low, self.shown.high
        narrower = {name: bound for name, bound in (("ge", low), ("le", high)) if bound is not None}
        return f"{NUMBERS[self.kind]}{between({**self.bounds, **narrower})}" if self.kind in NUMBERS else self.wanted

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.hint, config=STRICT)

    def _sentence(self, fault: str, value: Any) -> str:
        step = self.bounds.get("multiple_of")
        if fault == "multiple_of" and step:
            nearest = max(1, round(value / step)) * step
            wanted = f"a multiple of {' '.join([_shown(step), self.shown.unit]).strip()}, for example {_shown(nearest)}"
        elif fault in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
            wanted = f"a number{between(self.bounds)}{', or none' if self.optional else ''}"
        else:
            wanted = self.wanted
        return f"{self.name} is {value!r:.80}; it wants {wanted}."


def table(settings: type[Any]) -> Mapping[str, Setting]:
    """The fields of a dataclass of settings by name, its own before those that it inherits."""
    hashable: Any = settings  # a class is, whatever its objects are; mypy does not know
    return _table(hashable)


@cache
def _table(settings: type[Any]) -> Mapping[str, Setting]:
    hints, defaults = (
        get_type_hints(settings, include_extras=True),
        {f.name: f.default for f in dataclasses.fields(settings)},
    )
    names = dict.fromkeys(name for part in settings.__mro__ for name in vars(part).get("__annotations__", ()))
    return {name: _setting(name, defaults[name], hints[name]) for name in names if name in defaults}


def check(settings: Any) -> None:
    """Raises SettingsError for the first field that has an unusable value; for `__post_init__`."""
    for setting in table(type(settings)).values():
        setting.check(getattr(settings, setting.name))


def read(settings: type[S], found: Any) -> S:
    """Settings out of a file that anyone may have written: names we do not know are left out, what is missing has its
    default. Raises SettingsError for a value that will not do.
    """
    if not isinstance(found, dict):
        raise SettingsError(f"the settings are {found!r:.80}; an object of names and values is wanted.")
    named = {name: found[name] for name in table(settings) if name in found}
    return settings(**{name: tuple(value) if isinstance(value, list) else value for name, value in named.items()})


def between(bounds: Mapping[str, float]) -> str:
    """Bounds as the end of a sentence, " from 1 to 100"; "" where there are none."""
    if "ge" in bounds and "le" in bounds:
        return f" from {_shown(bounds['ge'])} to {_shown(bounds['le'])}"
    words = {"ge": "of at least", "gt": "above", "le": "at most", "lt": "below"}
    parts = [f"{text} {_shown(bounds[name])}" for name, text in words.items() if name in bounds]
    return f" {' and '.join(parts)}" if parts else ""


def _setting(name: str, default: Any, hint: Any) -> Setting:
    try:
        kind, info, shown = get_args(hint)
    except ValueError:
        raise TypeError(f"{name} is {hint}; a field of settings is Annotated[type, Field(…), Shown(…)]") from None
    many, limits = get_origin(kind) is tuple, info
    if many:  # tuple[Annotated[float, Field(…)], ...]
        kind, limits = get_args(get_args(kind)[0])
    optional = NoneType in get_args(kind)
    if optional:
        (kind,) = set(get_args(kind)) - {NoneType}
    bounds = {
        key: bound for part in limits.metadata for key in part.__slots__ if (bound := getattr(part, key)) is not None
    }
    return Setting(name, default, hint, kind, many, optional, info, bounds, shown)


def _shown(number: float) -> str:
    if number == 2**63 - 1:
        return "2^63 - 1"
    return f"{number:g}" if isinstance(number, float) else str(number)
