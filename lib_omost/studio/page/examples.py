"""What an empty chat invites to, and what the image model can be asked for. Plain texts and small pictures."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from lib_omost.canvas import Canvas
from lib_omost.canvas.requests import missing
from lib_omost.runtime import SdxlEntry, words_of
from lib_omost.runtime.known_words import KnownWords, unknown_thing
from lib_omost.studio.conversation import MAX_MESSAGE
from lib_omost.studio.store.sessions import Data

THUMBNAILS = Path(__file__).parent / "widgets" / "examples"
#: (thumbnail, message); `python -m bench shots --thumbnails` has the default models plan and paint them.
EXAMPLES = (
    ("boat.jpg", "a sailboat on the left and a rainbow on the right at sea"),
    ("turtle.jpg", "a turtle on the left and a palm tree on the right at the beach"),
    ("cupcake.jpg", "a cupcake next to a strawberry on a wooden table"),
    ("owl.jpg", "an owl on the left and the moon on the top right in a forest"),
)
INVITATION = (
    "### What would you like to see?\n"
    "Describe a picture. The language model plans it as boxes; change them as you like, then press **Render**."
)


def cards() -> list[dict[str, str]]:
    """The examples in the chat widget's form."""
    # Served from where they lie: copies in gradio's cache are shared by all its programs on this machine, and the first
    # one to end takes them away.
    gr.set_static_paths([THUMBNAILS])
    return [
        {"text": message, "display_text": message, "icon": str(THUMBNAILS / picture)} for picture, message in EXAMPLES
    ]


def words_value(entry: SdxlEntry, message: str = "") -> Data:
    """The words that a small image model paints, for the widget, and what it does not know of a message; no word for a
    large model.
    """
    known = words_of(entry)
    return {"words": list(known.nouns), "unknown": unknown_things(message, known)}


def unknown_things(message: str, known: KnownWords) -> list[Data]:
    """The things of a message that the model does not know, each with the near one that it would paint, or ""."""
    if not known.nouns or not message.strip():
        return []
    asked = (found.phrase for found in missing(message[:MAX_MESSAGE], Canvas()) if found.is_thing)
    things = {found.word: found.near for found in (unknown_thing(phrase, known) for phrase in asked) if found}
    return [{"word": word, "near": near} for word, near in things.items()]
