"""What an empty chat invites to, and what the image model can be asked for. Plain texts and small pictures."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from lib_omost.runtime import SdxlEntry, words_of

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


def words_line(entry: SdxlEntry) -> str:
    """A sentence on what the image model can draw, with the whole list behind a click; nothing for a large model."""
    words = words_of(entry).nouns
    if not words:
        return ""
    few = ", ".join(words[:SHOWN_WORDS])
    if len(words) <= SHOWN_WORDS:
        return f"This small image model draws {few}."
    rest = ", ".join(words)
    return (
        f"<details><summary>This small image model draws {len(words)} things: {few} …</summary>\n\n{rest}.\n</details>"
    )
