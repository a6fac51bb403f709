"""What an empty chat invites to, and what the image model can be asked for. Plain texts and small pictures."""

from __future__ import annotations

import re
from pathlib import Path

import gradio as gr

from lib_omost.runtime import SdxlEntry

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
SHOWN_WORDS = 12


def cards() -> list[dict[str, str]]:
    """The examples in the chat widget's form."""
    # Served from where they lie: copies in gradio's cache are shared by all its programs on this machine, and the first
    # one to end takes them away.
    gr.set_static_paths([THUMBNAILS])
    return [
        {"text": message, "display_text": message, "icon": str(THUMBNAILS / picture)} for picture, message in EXAMPLES
    ]


def known_words(entry: SdxlEntry) -> list[str]:
    """The nouns that a small model's card lists under "The words it knows"; none where there is no such list."""
    first, _, _ = words_of_card(entry).partition("\n\n")
    return [" ".join(word.split()).strip(" .") for word in first.split(",")] if first else []


def words_of_card(entry: SdxlEntry) -> str:
    """What the card says on words: its nouns, then sentences on synonyms, colours and backgrounds. "" for none."""
    card = Path(entry.source) / "README.md"
    if entry.place not in ("embedded", "folder") or not card.is_file():
        return ""
    found = re.search(r"^## The words it knows\s*\n(.*?)(?:^## |\Z)", card.read_text(encoding="utf-8"), re.M | re.S)
    return found[1].strip() if found else ""


def words_line(entry: SdxlEntry) -> str:
    """A sentence on what the image model can draw, with the whole list behind a click; nothing for a large model."""
    words = known_words(entry)
    if not words:
        return ""
    few = ", ".join(words[:SHOWN_WORDS])
    if len(words) <= SHOWN_WORDS:
        return f"This small image model draws {few}."
    rest = ", ".join(words)
    return (
        f"<details><summary>This small image model draws {len(words)} things: {few} …</summary>\n\n{rest}.\n</details>"
    )
