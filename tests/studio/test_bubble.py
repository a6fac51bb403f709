"""Text as a bubble shows it, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_omost.studio.bubble import shown, typed

CODE = "```python\ncanvas = Canvas()  # <b> & ![x](y) ~ \\\n```"


def test_a_program_in_its_fence_stays_as_it_is() -> None:
    assert shown(CODE) == typed(CODE) == CODE
    assert shown(f"Here it is:\n\n{CODE}\nDone.") == f"Here it is:\n\n{CODE}\nDone."


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("<img src=x>", "&lt;img src=x>"),
        ("![a](b) and [c](d)", "&#33;[a](b) and [c](d)"),
        ("a < b & c &lt; d", "a &lt; b & c &amp;lt; d"),
        ("`<b>`", "&#96;&lt;b>&#96;"),
        ("\\<b>", "&#92;&lt;b>"),
        ("~~~\n<b>\n~~~", "&#126;&#126;&#126;\n&lt;b>\n&#126;&#126;&#126;"),
        ("    <b>", "&#160;&#160;&#160;&#160;&lt;b>"),
        ("-     <b>", "-&#160;&#160;&#160;&#160;&#160;&lt;b>"),
        ("```mermaid\ngraph", "&#96;&#96;&#96;mermaid\ngraph"),
        (" ```python\n<b>", " &#96;&#96;&#96;python\n&lt;b>"),
        ("```python `<b>", "&#96;&#96;&#96;python &#96;&lt;b>"),
    ],
)
def test_what_would_be_more_than_text_is_escaped(text: str, markdown: str) -> None:
    assert shown(text) == markdown


def test_a_box_ends_where_any_reader_of_markdown_may_end_it() -> None:
    for closing in ("```", "````", "   ```", "``` \t", "```~"):
        assert shown(f"```python\nx\n{closing}\n<b>").endswith(f"{closing}\n&lt;b>")
    assert shown("````python\n```\n<b>\n````\n<i>") == "````python\n```\n<b>\n````\n&lt;i>"
    assert shown("```python\r<b>\r```\r<i>") == "```python\n<b>\n```\n&lt;i>"


def test_no_line_above_a_box_can_swallow_its_fence() -> None:
    assert shown("[a]:\n```python\n<b>\n```") == "[a]:\n\n```python\n<b>\n```"


def test_a_fence_that_is_still_open_is_a_box_to_the_end() -> None:
    assert shown("```python\n<b>") == "```python\n<b>"


@given(st.text(alphabet="<>&;lt#96`~\\![] x\n-", max_size=60))
def test_what_was_shown_comes_back_as_it_was_typed(text: str) -> None:
    assert typed(shown(text)).replace("\n", "") == text.replace("\n", "")
