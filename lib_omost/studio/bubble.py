"""What a message or a reply looks like in its bubble: its text as it is, its programs in boxes. The chat widget takes
Markdown with HTML in it, so what would be HTML, a picture or a drawing there is escaped, and comes back from an edit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Languages whose fences stay boxes of code; gradio makes drawings of some others.
OPENS = re.compile(r"(`{3,})(?:python|py|json|text|svg|xml)?[ \t]*", re.IGNORECASE)
#: In prose: tags, entities, pictures, and all that makes code without a fence of ours, where an escape would be seen.
MARKUP = re.compile(r"<|&(?=#?\w+;)|`|~|\\|!(?=\[)|\t| {4,}")
ESCAPES = {"<": "&lt;", "&": "&amp;", " ": "&#160;", "\t": "&#160;" * 4, **{one: f"&#{ord(one)};" for one in "`~\\!"}}
ESCAPED = {escape: character for character, escape in ESCAPES.items() if character != "\t"}
ESCAPE = re.compile("|".join(map(re.escape, ESCAPED)))


def shown(text: str) -> str:
    """Markdown of a text. An empty line stands before each box, so that nothing above it can make it anything else."""
    parts = list[str]()
    for part, code in _parts(text):
        if code and parts and not parts[-1].endswith("\n\n"):
            parts.append("\n" if parts[-1].endswith("\n") else "\n\n")
        parts.append(part if code else MARKUP.sub(_escaped, part))
    return "".join(parts)


def typed(markdown: str) -> str:
    """The text of a bubble's Markdown, which a person may have changed."""
    return "".join(
        part if code else ESCAPE.sub(lambda found: ESCAPED[found[0]], part) for part, code in _parts(markdown)
    )


def _escaped(found: re.Match[str]) -> str:
    return "".join(ESCAPES[character] for character in found[0])


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and whether each is a box: a fence at the start of a line, to its end or the text's. No
    reader of Markdown closes such a fence earlier than this one.
    """
    lines = re.findall(r"[^\n]*\n|[^\n]+", re.sub(r"\r\n?", "\n", text))
    start, closes = 0, None
    for at, line in enumerate(lines):
        if closes is None and (opened := OPENS.fullmatch(line.rstrip("\n"))):
            if at > start:
                yield "".join(lines[start:at]), False
            start, closes = at, re.compile(rf" {{0,3}}{opened[1]}[`~]*[ \t]*")
        elif closes is not None and closes.fullmatch(line.rstrip("\n")):
            yield "".join(lines[start : at + 1]), True
            start, closes = at + 1, None
    if start < len(lines):
        yield "".join(lines[start:]), closes is not None
