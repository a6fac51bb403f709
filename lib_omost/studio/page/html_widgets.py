"""Page parts of our own: a static HTML skeleton, its CSS and plain JavaScript, from widgets/. The JavaScript draws
`value`.

No text of a user or a model ever enters a template, since gr.HTML would run it: values travel as JSON, shown by
textContent.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

WIDGETS = Path(__file__).parent / "widgets"
# One script, in this order.
EDITOR = ("plan", "view", "drawing", "form", "actions", "pointer", "keyboard", "code")


def region_editor(**layout: object) -> gr.HTML:
    """The plan as boxes to draw, drag, resize, order and re-word. Its value is `plan.editor_value`, its event
    `edited`.
    """
    folder = WIDGETS / "region_editor"
    scripts = "\n".join(_text(folder / f"{part}.js") for part in EDITOR)
    return _html(_text(folder / "editor.html"), _text(folder / "editor.css"), scripts, layout)


def state_line(**layout: object) -> gr.HTML:
    """One sentence on what came of a reply, notes on demand (`words.outcome`); its events are `ask_again` and
    `edit_code`.
    """
    return _widget("state_line", layout)


def remarks(**layout: object) -> gr.HTML:
    """Sentences with an action each (`Told.values`): `{"rows": [...]}`. Its event `act` tells the row's `value`."""
    return _widget("remarks", layout)


def cards(**layout: object) -> gr.HTML:
    """Draws the replies of the chat as cards (`studio.cards`), in the chat's own bubbles; shows nothing itself. Its
    events: `turn_over` (`by`: 1 or -1) shows another reply to the last message, `behind` (`version`) asks whether the
    chat is still as this tab shows it.
    """
    return _widget("cards", {"elem_id": "cards", **layout}, css="")


def session_list(**layout: object) -> gr.HTML:
    """The sessions by day (`studio.listing`), and the one that is open in the address. Its events, each with the
    session's `id` and the one that is open (`open`): `pick`, `rename` (`name`), `remove` and `export`.
    """
    return _widget("sessions", layout)


def words(**layout: object) -> gr.HTML:
    """What the image model draws (`examples.words_value`). Its event `typed` (`text`): the message has changed."""
    return _widget("words", layout)


def progress_bar(**layout: object) -> gr.HTML:
    """A bar and a line of text: `{"text": str, "figures": str, "share": 0..1}`."""
    return _widget("progress", layout)


def choices(**layout: object) -> gr.HTML:
    """Pictures of which one is chosen: `{"title": str, "before": id, "pictures": [{"id", "source"}]}`; its event is
    `choose` (`id`). Nothing while there are none.
    """
    return _widget("choices", layout)


def _widget(name: str, layout: dict[str, object], css: str | None = None) -> gr.HTML:
    html, js = (_text(WIDGETS / f"{name}.{suffix}") for suffix in ("html", "js"))
    return _html(html, _text(WIDGETS / f"{name}.css") if css is None else css, js, layout)


def _html(html: str, css: str, js: str, layout: dict[str, object]) -> gr.HTML:
    # Not a subclass: gradio writes a .pyi file beside the source of every component class.
    return gr.HTML(
        value={}, html_template=html, css_template=css, js_on_load=js, apply_default_css=False, padding=False, **layout
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
