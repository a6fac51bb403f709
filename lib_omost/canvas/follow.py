"""A new description of a region, and what was derived from the old one: tags, details, colour and the whole picture's
texts follow where they still say the old thing. By rules; runs no model, and changes only those values of the program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.colors import alike, read_color
from lib_omost.canvas.merge import Change, differences, matched, same
from lib_omost.canvas.reader import read_program
from lib_omost.canvas.vocabulary import GRID
from lib_omost.canvas.words.mentions import (
    cased,
    colored,
    is_same_thing,
    mentions_of,
    renamed_tail,
    replaced,
    with_tags,
)
from lib_omost.canvas.words.noun_phrase import Phrase, noun_as_tagged, phrase_of, word_set
from lib_omost.canvas.words.thing_colors import color_of
from lib_omost.canvas.writer import set_keyword

FEW, MOST = 2, 8  # regions that a person renames at once: half of them, at least so many and at most
TAGS, DETAILS, BLANKED, COLOR, WHOLE = "tags", "details", "details left empty", "colour", "whole picture"
#: Words that say where a thing is, and fit any thing.
_NEUTRAL = word_set(
    """the a an and is are was were stands stand sits sit lies lie rests on in at of to by with from front behind
    beside next near above below under over between around foreground background picture image scene left right
    top bottom upper lower center centre middle corner side edge close far away hand slightly both each one two
    three four five it they there visible placed seen"""
)
#: Words by which a sentence tells what a thing has, which another thing need not have.
_HAS = re.compile(r"\b(?:has|have|with|its|their|whose|shows?|made)\b|['’]s\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Followed:
    """`code`: the program with what follows; `also`: what that was, in a person's words; `changes`: the same one by
    one, so that `canvas.undone` takes them back and leaves the person's own change. `own`: the model's texts
    from now on.
    """

    code: str
    also: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    own: frozenset[str] | None = None


def followed(before: Canvas, code: str, own: Collection[str] | None = None) -> Followed:
    """The program `code`, in which a person changed descriptions of `before`, with what was derived from them.

    What the same change touches stays as the person has it, and so does every text that is not among `own`, the model's
    texts (`texts_of`; None: all are). The whole picture's texts stay where they are locked.
    """
    start = after = read_program(code).canvas
    if start is None or after is None:
        return Followed(code, own=None if own is None else frozenset(own))
    done, also = code, dict[str, None]()
    for old, new, index in _renamed(before, start):
        for at, field, value, word in list(_derived(before, after, old, new, index, own)):
            done = set_keyword(done, at, field, value)
            also[word] = None
        after = read_program(done).canvas or after
    return Followed(done, _in_order(also), differences(start, after), _own_texts(before, start, after, own))


def _own_texts(before: Canvas, start: Canvas, end: Canvas, own: Collection[str] | None) -> frozenset[str] | None:
    """The model's texts with what was made of them: what follows, and a colour that stayed under a new description."""
    if own is None:
        return None
    kept = {
        _color_key(end.regions[j])
        for i, j in _pairs(before.regions, end.regions).items()
        if _color_key(before.regions[i]) in own
        and before.regions[i].HTML_web_color_name == start.regions[j].HTML_web_color_name
    }
    return frozenset(own) | (texts_of(end) - texts_of(start)) | kept


def texts_of(canvas: Canvas) -> frozenset[str]:
    """All texts of a canvas and, as `description: colour`, its colours: what `followed` may change of it."""
    found = {canvas.global_description, canvas.tags, *canvas.detailed_descriptions}
    for region in canvas.regions:
        found |= {region.description, region.tags, *region.detailed_descriptions, _color_key(region)}
    return frozenset(found)


def _in_order(also: Collection[str]) -> tuple[str, ...]:
    shown = [word for word in (TAGS, BLANKED, DETAILS, COLOR, WHOLE) if word in also]
    return tuple(word for word in shown if word != DETAILS or BLANKED not in also)


Renaming = tuple[Phrase, Phrase, tuple[int, int]]  # what a region was, what it is, its place before and after


def _renamed(before: Canvas, after: Canvas) -> list[Renaming]:
    """The regions with another description. None where most have one: that is another program, all meant."""
    found = list[Renaming]()
    for i, j in _pairs(before.regions, after.regions).items():
        was, now = before.regions[i], after.regions[j]
        old, new = phrase_of(was.description), phrase_of(now.description)
        if not _alike(was, now) and not _is_rewritten(was, now) and old is not None and new is not None:
            found.append((noun_as_tagged(old, was.tags), new, (i, j)))
    return found if len(found) <= max(FEW, min(MOST, len(after.regions) // 2)) else []


def _is_rewritten(was: Region, now: Region) -> bool:
    """Whether tags and details came with the description, so that nothing of it is derived."""
    return was.tags != now.tags and was.detailed_descriptions != now.detailed_descriptions


def _pairs(before: Sequence[Region], after: Sequence[Region]) -> dict[int, int]:
    """By place in the list where only words changed there, else as a merge matches them."""
    if len(before) == len(after):
        changed = [(a.description, b.description) for a, b in zip(before, after, strict=True) if not _alike(a, b)]
        if not {was for was, _ in changed} & {now for _, now in changed}:
            return {index: index for index in range(len(before))}
    return matched(before, after)


def _alike(one: Region, other: Region) -> bool:
    return same(one.description, other.description)


Wish = tuple[
    int | None, str, Any, str
]  # the region (None: the whole picture), its keyword, the value, how it is called


def _derived(
    before: Canvas, after: Canvas, old: Phrase, new: Phrase, index: tuple[int, int], own: Collection[str] | None
) -> Iterator[Wish]:
    """What follows from one description, as values to set; only what the person left as it was and did not write."""
    was, now = before.regions[index[0]], after.regions[index[1]]
    stays = partial(_is_theirs, own)
    if now.tags == was.tags and not stays(was.tags):
        tags = with_tags(now.tags, old, new, now.atmosphere, alone=True)
        if tags != now.tags:
            yield index[1], "tags", tags, TAGS
    kept = [line if stays(line) or line not in was.detailed_descriptions else _detail(line, old, new, after)
            for line in now.detailed_descriptions]  # fmt: skip
    yield from _lines(index[1], now.detailed_descriptions, kept)
    if now.HTML_web_color_name == was.HTML_web_color_name and (color := _color(was, old, new, own)):
        yield index[1], "HTML_web_color_name", color, COLOR
        whole = before.HTML_web_color_name == after.HTML_web_color_name == was.HTML_web_color_name
        if whole and _is_background(was, before) and not after.locked:
            yield None, "HTML_web_color_name", color, WHOLE
    if not after.locked:
        yield from _whole(before, after, old, new, index, stays)


def _is_background(region: Region, canvas: Canvas) -> bool:
    """Whether nothing lies behind a region of half of the picture or more."""
    farthest = all(region.distance_to_viewer >= other.distance_to_viewer for other in canvas.regions)
    return farthest and region.box.cells * 2 >= GRID * GRID


def _whole(
    before: Canvas, after: Canvas, old: Phrase, new: Phrase, index: tuple[int, int], stays: Callable[[str], bool]
) -> Iterator[Wish]:
    """The whole picture's texts. A noun that another region has too is only followed with its adjectives."""
    others = [region.description for at, region in enumerate(before.regions) if at != index[0]]
    shared = any(mentions_of(old.noun).search(text) for text in others)
    if shared and (old.words == old.noun or any(mentions_of(old.words).search(text) for text in others)):
        return
    write = partial(replaced, old=old, new=new, alone=not shared)
    if after.global_description == before.global_description and not stays(after.global_description):
        text = _sentence(write, after.global_description, before.regions[index[0]], after.regions[index[1]])
        if text != after.global_description:
            yield None, "description", text, WHOLE
    if after.tags == before.tags and not stays(after.tags):
        tags = with_tags(after.tags, old, new, "", shared=shared)
        if tags != after.tags:
            yield None, "tags", tags, WHOLE
    kept = [
        line if stays(line) or line not in before.detailed_descriptions else _told(write, line, old, new)
        for line in after.detailed_descriptions
    ]
    if tuple(kept) != after.detailed_descriptions:
        yield None, "detailed_descriptions", [line for line in kept if line], WHOLE


def _is_theirs(own: Collection[str] | None, text: str) -> bool:
    """Whether a person wrote the text."""
    return own is not None and text not in own


def _lines(at: int, were: Sequence[str], lines: Sequence[str]) -> Iterator[Wish]:
    if tuple(lines) != tuple(were):
        left = [line for line in lines if line]
        yield at, "detailed_descriptions", left, DETAILS if len(left) == len(were) else BLANKED


def _sentence(write: Callable[[str], str], text: str, was: Region, now: Region) -> str:
    """The whole picture's sentence with the new words: of the description where it stands there, else the head."""
    whole, instead = (region.description.strip(" .,") for region in (was, now))
    at = re.compile(rf"\b{re.escape(whole)}\b", re.IGNORECASE).search(text)
    return write(text) if at is None else text[: at.start()] + cased(instead, at[0]) + text[at.end() :]


def _detail(line: str, old: Phrase, new: Phrase, canvas: Canvas) -> str:
    """A region's own detail said of the new thing; "" where it tells of the old one what words cannot carry over."""
    written = renamed_tail(colored(replaced(line, old, new), old, new), old, new)
    if written is None:
        return ""
    if is_same_thing(old, new):
        return written
    known = set(_words(" ".join([new.words, *(region.description for region in canvas.regions)])))
    return written if set(_words(written)) <= _NEUTRAL | known else ""


def _told(write: Callable[[str], str], line: str, old: Phrase, new: Phrase) -> str:
    """The same for a detail of the whole picture, which may tell of other things."""
    written = write(line)
    gone = written != line and not is_same_thing(old, new) and _HAS.search(line)
    return "" if gone else written


def _color(was: Region, old: Phrase, new: Phrase, own: Collection[str] | None) -> str | None:
    """The new thing's colour where the old one was the old thing's own: by its colour word, else as such things are."""
    wanted = _own_color(new, None if is_same_thing(old, new) else "gray")
    before, usual = was.HTML_web_color_name, _own_color(old, None)
    theirs = own is not None and _color_key(was) in own
    if wanted is None or not (theirs or (usual is not None and alike(before, usual))):
        return None
    if alike(before, wanted) and new.colors == old.colors:
        return None
    return wanted if wanted != before else None


def _own_color(phrase: Phrase, otherwise: str | None) -> str | None:
    named = read_color(phrase.colors[-1]) if phrase.colors else None
    return named or color_of(phrase.noun) or otherwise


def _color_key(region: Region) -> str:
    return f"{region.description}: {region.HTML_web_color_name}"


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower())
