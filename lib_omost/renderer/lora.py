"""Which weights of a LoRA match no module of a pipeline. Loading them is diffusers' work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

PARTS = ("unet", "text_encoder", "text_encoder_2")
# Where a module's path ends in the key of one of its weights, in the forms that diffusers converts a file to.
WEIGHT = re.compile(r"(\.lora|_lora|\.alpha).*$")
OLD_PROJECTION = re.compile(r"\.to_(q|k|v|out)$")


def unmatched_modules(pipe: Any, keys: Iterable[str]) -> list[str]:
    """The modules, as "part.path", that a LoRA's keys name and that the pipeline does not have; each once, in order."""
    known = {part: {plain(name) for name, _ in getattr(pipe, part).named_modules()} for part in PARTS}
    return [name for name in modules(keys) if not is_known(name, known)]


def modules(keys: Iterable[str]) -> list[str]:
    """The modules that keys like "unet.path.lora_A.weight" and "unet.path.alpha" name."""
    return list(dict.fromkeys(module(key) for key in keys))


def module(key: str) -> str:
    """diffusers' older spelling, which it converts Kohya's files to, names a processor and not the projection."""
    path = WEIGHT.sub("", key).replace(".processor.", ".")
    if "_lora." not in key:
        return path
    form = r".to_\1" if path.startswith("unet.") else r".\1_proj"
    return OLD_PROJECTION.sub(form, path).replace("to_out", "to_out.0")


def is_known(name: str, known: dict[str, set[str]]) -> bool:
    part, _, path = name.partition(".")
    return plain(path) in known.get(part, set())


def plain(path: str) -> str:
    """Text encoders have a level "text_model" in some versions of transformers and not in others."""
    return path.removeprefix("text_model.")


def sentence(names: list[str], shown: int = 8) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    listed = ", ".join(names[:shown]) + more
    if len(names) == 1:
        return f"1 part of this LoRA has no place in the model and does nothing: {listed}."
    return f"{len(names)} parts of this LoRA have no place in the model and do nothing: {listed}."
