"""What a model is told: the system prompt, the worked examples and the conversation. Knows no tokenizer."""

from __future__ import annotations

from collections.abc import Sequence

from lib_omost.canvas.vocabulary import AREAS, GLOBAL_FIELDS, LOCATIONS, OFFSETS, TAUGHT_FIELDS
from lib_omost.composer.settings import Message, Profile

_TYPES = {"detailed_descriptions": "list[str]", "distance_to_viewer": "float"}


def _signature(method: str, fields: Sequence[str]) -> str:
    parameters = ", ".join(f"{field}: {_TYPES.get(field, 'str')}" for field in fields)
    return f"    def {method}(self, {parameters}):"


def _choice(field: str, words: Sequence[str]) -> str:
    listed = ", ".join(f'"{word}"' for word in words)
    return f"        assert {field} in [{listed}]"


#: What the published models were trained with, word for word; derived from the vocabulary, so the two cannot differ.
SYSTEM_PROMPT = "\n".join(
    [
        "You are a helpful AI assistant to compose images using the below python class `Canvas`:",
        "",
        "```python",
        "class Canvas:",
        _signature("set_global_description", GLOBAL_FIELDS),
        "        pass",
        "",
        _signature("add_local_description", TAUGHT_FIELDS),
        _choice("location", LOCATIONS),
        _choice("offset", OFFSETS),
        _choice("area", AREAS),
        "        assert distance_to_viewer > 0",
        "        pass",
        "```",
    ]
)


def conversation(messages: Sequence[Message], profile: Profile) -> list[Message]:
    """`messages` as this model wants them: its own system prompt and worked examples, then the turns."""
    turns = [message for message in messages if message["role"] != "system"]
    return [{"role": "system", "content": profile.system_prompt}, *profile.examples, *turns]
