"""The pages that people read: lines that fit a screen, and links that lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("training/*.md"), *ROOT.glob("default_models/*/*.md")]
MOST = 160
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def prose(page: Path) -> Iterator[str]:
    """The lines that are neither code nor table."""
    code = False
    for line in page.read_text(encoding="utf-8").splitlines():
        code ^= line.lstrip().startswith("```")
        if not code and not line.lstrip().startswith("|"):
            yield line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_line_of_prose_is_over_160_characters(page: Path) -> None:
    assert [line for line in prose(page) if len(line) > MOST] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
