"""Text is text: what looks like HTML in it is shown, and neither carried out nor asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench._server import TextServer
from lib_omost.studio.store.archive import export_session
from lib_omost.studio.store.sessions import Sessions, Turn
from tests.browser.acts import expect, send, toggle

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.ui
AWAY = "http://tracker.example"
#: Each stands in a bubble of its own, since one that opens a tag hides what follows.
PAYLOADS = [
    f"<img src={AWAY}/1>", f"<img srcset='{AWAY}/2 1x'>", f"<video src={AWAY}/3 autoplay></video>",
    f"<video poster={AWAY}/4></video>", f"<audio src={AWAY}/5 autoplay></audio>", f"<iframe src={AWAY}/6></iframe>",
    f"<object data={AWAY}/7></object>", f"<embed src={AWAY}/8>", f"<link rel=stylesheet href={AWAY}/9>",
    f"<style>@import '{AWAY}/10'; body {{display: none}}</style>", f"<svg><image href={AWAY}/11 /></svg>",
    f"<svg><use href={AWAY}/12#x /></svg>", f"<picture><source srcset={AWAY}/13><img></picture>",
    f"<input type=image src={AWAY}/14>", f"<body background={AWAY}/15>", f"<table background={AWAY}/16><td>x</table>",
    f"<div style='background: url({AWAY}/17)'>x</div>", "<p style='position: fixed; inset: 0; z-index: 9999'>18</p>",
    "<dialog open style='position: fixed; inset: 0'>19</dialog>", f"<script src={AWAY}/20></script>",
    "<img src=x onerror='document.title=21'>", f"<base href={AWAY}/22>",
    f"<meta http-equiv=refresh content='0; {AWAY}/23'>",
    f"<form action={AWAY}/24><button>x</button></form>", f"![25]({AWAY}/25)", f"![26][a]\n\n[a]: {AWAY}/26",
    f"- a\n\n      <img src={AWAY}/27>", f"> `\n<img src={AWAY}/28>\n`", f"[a]:\n```python\n<img src={AWAY}/29>\n```",
    "```mermaid\ngraph TD; A[30] --> B\n```", f"<math><mtext><img src={AWAY}/31></mtext></math>",
    f"&lt;img src={AWAY}/32&gt;", f"\\<img src={AWAY}/33>", f"~~~\n</code></pre><img src={AWAY}/34>\n~~~",
]  # fmt: skip
LOOK = """bubbles => bubbles.map(bubble => {
    const odd = 'img, video, audio, iframe, object, embed, link, style, input, picture, form, dialog, base, meta, ' +
        'math, script, table, [style*=fixed], [id^=mermaid]';
    const icons = [...bubble.querySelectorAll('svg')].filter(one => !one.closest('button'));
    return [bubble.innerText, [...bubble.querySelectorAll(odd), ...icons].map(one => one.outerHTML)];
})"""


def letters(text: str) -> str:
    """Without what layout and Markdown may change: spaces, and the marks of lists and quotes."""
    return "".join(text.split()).lstrip("->")


def assert_only_text(page: Page, texts: list[str]) -> None:
    """Requests to elsewhere fail each test of the page by themselves (`acts.arrive`)."""
    bubbles = page.locator("#chat .message")
    expect(bubbles).to_have_count(len(texts))
    for text, (seen, odd) in zip(texts, bubbles.evaluate_all(LOOK), strict=True):
        assert odd == [], text
        if "```" not in text and "[" not in text:  # a link shows its words
            assert letters(text) in letters(seen), text
    assert page.title() == "Omost"
    covered = "document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest('dialog, [style*=fixed]') !== null"
    assert not page.evaluate(covered)


def test_html_of_an_imported_session_is_text(page: Page, tmp_path: Path) -> None:
    store = Sessions(tmp_path / "theirs.sqlite")
    session = store.create("them", "theirs")
    store.rename(session, f"<img src={AWAY}/name>")
    texts = [text for payload in PAYLOADS for text in (payload, payload)]
    roles = ("user", "assistant")
    store.set_turns(session, [Turn(roles[at % 2], text) for at, text in enumerate(texts)])
    file = export_session(store, session, tmp_path)
    toggle(page, "sessions-bar")
    page.locator("#import input[type=file]").set_input_files(file)
    assert_only_text(page, texts)
    expect(page.locator("#sessions .ss-one.open .ss-name")).to_have_text(f"<img src={AWAY}/name>")
    page.locator("#sessions .ss-one.open .ss-more").click()
    page.locator("#sessions .ss-menu").get_by_text("Delete…").click()
    expect(page.locator("#sessions .ss-menu")).to_contain_text(f"<img src={AWAY}/name>")
    assert page.locator("#sessions img").count() == 0


def test_html_of_a_message_and_of_a_streamed_reply_is_text(page: Page, server: TextServer) -> None:
    server.text = f"<img src={AWAY}/reply> <div style='position: fixed; inset: 0'>x</div>"
    send(page, f"<img src={AWAY}/message>")
    expect(page.locator("#chat .message")).to_have_count(2)
    expect(page.locator("#state .sl-text")).to_have_text("no canvas in this reply")
    assert_only_text(page, [f"<img src={AWAY}/message>", server.text])


def test_html_of_a_model_s_name_is_text(page: Page) -> None:
    toggle(page, "settings-bar")
    page.locator("#llm input").fill(f"<img src={AWAY}/llm>![x]({AWAY}/md)")
    page.locator("#llm input").press("Enter")
    expect(page.locator("#models-about")).to_contain_text(f"<img src={AWAY}/llm>![x]({AWAY}/md)")
    page.locator("#use-models").click()
    expect(page.locator(".toast-body")).to_contain_text(f"<img src={AWAY}/llm>")
    assert page.locator("#models-about img, .toast-body img").count() == 0


def test_an_edit_starts_from_the_words_and_gives_them_back(page: Page, server: TextServer) -> None:
    server.text = "a `b` < c ~ d"
    send(page, "a & b <c>")
    expect(page.locator("#state .sl-text")).to_have_text("no canvas in this reply")
    page.locator("#chat .message").nth(1).hover()
    page.locator("#chat [aria-label=Edit]").nth(1).click()
    page.locator("#chat .edit-textarea").press("Control+Enter")
    page.locator("#chat [aria-label=Submit]").click()
    expect(page.locator("#chat .message").nth(1)).to_contain_text("a `b` < c ~ d")
