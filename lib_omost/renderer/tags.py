"""Tags of other programs in a text, `<lora:name:0.8>`: left out, with what to do instead. Loads nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

LORA_TAG = re.compile(r"<(?:lora|lyco|hypernet):([^:<>]+)(?::([^<>]*))?>", re.IGNORECASE)


def without_tags(texts: Sequence[str], notify: Callable[[str], None]) -> list[str]:
    """The texts less their tags; `notify` gets a sentence for each tag."""
    for name, weight in (found.groups() for text in texts for found in LORA_TAG.finditer(text)):
        option = f"{name}={weight}" if weight and weight != "1" else name
        notify(
            f"<lora:{name}…> in a text loads nothing here and was left out: put {name}.safetensors into "
            f"models_dir/loras, then choose it in the page's settings or with --lora {option}."
        )
    return [LORA_TAG.sub("", text) for text in texts]
