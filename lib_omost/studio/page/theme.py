"""How the page looks: one calm theme of our own, with system fonts, and the page's style sheet and shortcuts."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

WIDGETS = Path(__file__).parent / "widgets"
CSS_FILES = [WIDGETS / name for name in ("page.css", "sidebars.css", "cards.css")]
SCRIPTS = [
    WIDGETS / name
    for name in (
        "keys.js",
        "labels.js",
        "sidebars.js",
        "arrivals.js",
        "restart.js",
        "turns.js",
        "numbers.js",
        "shades.js",
    )
]

# A phone is not shown the first link, so the dot after it goes too. Here, since page.css did not reach it.
FOOTER = "@media (max-width: 759px) {footer .divider {display: none !important}}"


def head() -> str:
    """What goes into the head of the page: no icon to ask for, and the scripts of the whole page."""
    scripts = "".join(f"<script>{{{script.read_text(encoding='utf-8')}}}</script>" for script in SCRIPTS)
    return f'<link rel="icon" href="data:,"><style>{FOOTER}</style>{scripts}'


def theme() -> gr.themes.Base:
    """Slate and teal; contrast AA in light and in dark."""
    sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
    base = gr.themes.Base(
        primary_hue="teal", neutral_hue="slate", radius_size="md", text_size="md", font=sans, font_mono=mono
    )
    return base.set(
        body_background_fill="#f5f7f9",
        body_background_fill_dark="#12161c",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1a2029",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#1a2029",
        background_fill_secondary="#eef1f4",
        background_fill_secondary_dark="#212934",
        border_color_primary="#d5dbe2",
        border_color_primary_dark="#333d4a",
        body_text_color="#1d2530",
        body_text_color_dark="#e6eaf0",
        body_text_color_subdued="#566272",
        body_text_color_subdued_dark="#a3aebd",
        color_accent="#0f766e",
        button_primary_background_fill="#0f766e",
        button_primary_background_fill_dark="#0f766e",
        button_primary_background_fill_hover="#115e59",
        button_primary_background_fill_hover_dark="#115e59",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_dark="#27303c",
        button_secondary_background_fill_hover="#eef1f4",
        button_secondary_background_fill_hover_dark="#323d4b",
        button_border_width="1px",
        button_secondary_border_color="#d5dbe2",
        button_secondary_border_color_dark="#333d4a",
        button_secondary_border_color_hover="#b6c0cc",
        button_secondary_border_color_hover_dark="#4a5767",
        button_secondary_text_color="#1d2530",
        button_secondary_text_color_dark="#e6eaf0",
        block_border_width="1px",
        block_shadow="none",
        block_shadow_dark="none",
        input_placeholder_color="#5f6b7a",
        input_placeholder_color_dark="#94a0b0",
        input_background_fill="#ffffff",
        input_background_fill_dark="#151b23",
    )
