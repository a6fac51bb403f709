"""Guard of scope: which changes of a reply its message gives no ground for. They are held back, and can be taken.

Plain rules over words, no model: a thing that the message does not speak of is not removed, moved or described anew
because another one is named; the whole picture stays where only a thing is meant. Wishes for a new picture and open
ones ("more cheerful", "winter") pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.merge import PLACE, Change
from lib_omost.canvas.requests.wish import EditRequest, is_background, nouns_of, read_wish, same, tokens
from lib_omost.canvas.words.noun_phrase import COLOR_WORDS, singular
from lib_omost.canvas.words.wish_words import ADD, MOVES, PEOPLE, word_set

_TEXTS = ("description", "detailed_descriptions", "tags", "atmosphere", "style", "quality_meta")
_MOODS = ("detailed_descriptions", "tags", "atmosphere", "style", "quality_meta")
_COLOR = "HTML_web_color_name"
_SMALL = word_set("a an the of in on at with and is are its to some by for from very")
#: From so many words on that the plan does not have, a message that names nothing of it describes a picture of its own.
_A_PICTURE = 4


def outside(message: str, canvas: Canvas, changes: Sequence[Change], before: str = "") -> frozenset[int]:
    """Which of the changes that a reply makes to the plan `canvas`, by index, its message gives no ground for.

    A change's region is the plan's own, before it; of an `add` the new one. `before`: the message before, which says
    what "it" is.
    """
    wish = read_wish(message, canvas)
    if wish.new_picture or wish.undoes or _is_a_picture(wish, canvas, changes):
        return frozenset()
    last = read_wish(before, canvas).targets
    rules = _Rules(wish, canvas, changes, last if len(last) == 1 else frozenset())
    held = {at for at, change in enumerate(changes) if change.region is not None and not rules.allows(change)}
    applied = [change for at, change in enumerate(changes) if at not in held and change.region is not None]
    whole = {
        at for at, change in enumerate(changes) if change.region is None and not rules.allows_whole(change, applied)
    }
    return frozenset(held | whole)


def _is_a_picture(wish: EditRequest, canvas: Canvas, changes: Sequence[Change]) -> bool:
    """Whether a message that names nothing of the plan describes another one: "now a beach at night instead"."""
    if wish.means:
        return False
    things = [region for region in canvas.regions if not is_background(region)]
    gone = sum(change.kind == "remove" for change in changes)
    if "instead" in wish.words:
        return True
    return not wish.has(ADD) and gone >= max(len(things), 1) and len(wish.unknown) >= _A_PICTURE


@dataclass
class _Rules:
    """The rules for one wish; `meant` are the regions that it is about, by index; `last` of the message before."""

    wish: EditRequest
    canvas: Canvas
    changes: Sequence[Change]
    last: frozenset[int]
    meant: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        wish = self.wish
        self.meant = wish.targets
        if not wish.targets and not wish.is_of_scene and (wish.pronoun or wish.general):
            self.meant = self.last - wish.landmarks or self._likely(wish.landmarks)
        elif not wish.targets and wish.landmarks and not wish.adds and not wish.unknown:
            self.meant = wish.landmarks

    def allows(self, change: Change) -> bool:
        """Whether the wish gives ground for a change of a region."""
        if change.kind == "add":
            return self._allows_new(change.after)
        at = self.canvas.regions.index(change.region) if change.region in self.canvas.regions else -1
        if change.kind == "remove":
            return self._allows_removal(at, change.before)
        if is_background(self.canvas.regions[at]) and self._is_of_scene():
            return True
        is_one_of_all = self.wish.plural and not self.wish.targets and not is_background(self.canvas.regions[at])
        if at in self.meant or is_one_of_all:
            return self._allows_of_target(change)
        if at in self.wish.landmarks:
            return self._allows_of_landmark(change)
        return self._allows_aside(change)

    def allows_whole(self, change: Change, applied: Sequence[Change]) -> bool:
        """The whole picture's texts follow what is changed; they lose no word that nothing was said about."""
        if not self.wish.means or self._is_of_scene():
            return change.field == _COLOR or not _words(change.before) - _words(change.after) - self._may_go(applied)
        if change.field == _COLOR:
            return any(is_background(self.canvas.regions[at]) for at in self.meant)
        new, lost = _words(change.after) - _words(change.before), _words(change.before) - _words(change.after)
        return not lost - self._may_go(applied) and not new - self._may_come(applied)

    def _is_of_scene(self) -> bool:
        """Whether it speaks of the scene, or of no thing and of nothing that is added."""
        wish = self.wish
        return wish.is_of_scene or not (wish.means or wish.adds) or (wish.elsewhere and self._says_the_place())

    def _says_the_place(self) -> bool:
        """Whether the reply shows the place that is named as the ground or the back of the scene."""
        regions = self.canvas.regions
        told = (change for change in self.changes if change.field == "description" and change.region in regions)
        return any(is_background(one) and self._is_said(one) for one in self._new()) or any(
            change.region is not None and is_background(change.region) and self._now_says(change) for change in told
        )

    def _allows_removal(self, at: int, region: Region) -> bool:
        wish = self.wish
        if wish.only:
            return at not in wish.targets
        if at in wish.targets:
            return wish.removes or any(map(self._is_said, self._new()))
        if is_background(region):
            return self._is_of_scene() and any(map(is_background, self._new()))
        if wish.plural and not wish.targets:
            return wish.removes
        things = [one for one in self.canvas.regions if not is_background(one)]
        is_sure = bool(wish.general or self.last or len(things) == 1)  # "it" may be any of several
        return wish.removes and at in self.meant and is_sure

    def _allows_new(self, region: Region) -> bool:
        wish, scene = self.wish, self._is_of_scene()
        if self._is_said(region):
            return wish.multiplies or not self._has_twin(region) or _is_said_as_many(region, wish)
        if is_background(region):
            return scene
        return (scene and not wish.targets) or (bool(wish.unknown) and not any(map(self._is_said, self._new())))

    def _has_twin(self, region: Region) -> bool:
        """Whether the same noun is in the plan, and stays."""
        gone = [change.before for change in self.changes if change.kind == "remove"]
        stay = [one for one in self.canvas.regions if one not in gone]
        return any(same(noun, own) for one in stay for own in nouns_of(one)[-1:] for noun in nouns_of(region)[-1:])

    def _allows_of_target(self, change: Change) -> bool:
        if self.wish.only_colors:
            return change.field in (*_TEXTS, _COLOR)
        if self.wish.only_places:
            return change.field not in (*_TEXTS, _COLOR) or (change.field in _TEXTS and self._keeps_words(change))
        return True

    def _allows_of_landmark(self, change: Change) -> bool:
        if change.field == "distance_to_viewer":
            return any(word in ("behind", "front") for word in self.wish.words)
        return change.field in _TEXTS and self._keeps_words(change)

    def _allows_aside(self, change: Change) -> bool:
        """A thing that the wish does not name: what is said of the scene may show in its texts."""
        wish = self.wish
        if wish.names or not self._is_of_scene():
            return wish.is_of_scene and change.field in _MOODS
        if change.field in (PLACE, "distance_to_viewer"):
            return wish.has(MOVES)
        if change.field == _COLOR:
            return wish.is_of_tones
        return change.field in _MOODS or (change.field == "description" and self._keeps_words(change))

    def _keeps_words(self, change: Change) -> bool:
        """Whether a text only gains words."""
        return not _words(change.before) - _words(change.after)

    def _likely(self, landmarks: frozenset[int]) -> frozenset[int]:
        """What "it" may be of the things that the reply changes: those that now say a word of the message; those where
        what it speaks of changed; somebody, for "he" and "she"; else all of them.
        """
        regions = self.canvas.regions
        changed = [change for change in self.changes if change.kind != "add" and change.region in regions]
        at_of = {id(change): regions.index(change.region) for change in changed if change.region is not None}
        things = {at for at in at_of.values() if at not in landmarks and not is_background(regions[at])}
        said = {at_of[id(change)] for change in changed if self._now_says(change)}
        placed = {at_of[id(change)] for change in changed if change.field == PLACE and self.wish.only_places}
        people = {
            at for at, one in enumerate(regions) if self.wish.is_of_someone and PEOPLE.intersection(nouns_of(one))
        }
        found = people or things & said or things & placed or things
        gone = [change for change in self.changes if change.kind == "remove" and not is_background(change.before)]
        if len(gone) > 1 and not self.wish.plural:  # "it" is one thing: more that go are none that it means
            found -= {self.canvas.regions.index(change.before) for change in gone}
        return frozenset(found)

    def _now_says(self, change: Change) -> bool:
        new = _words(change.after) - _words(change.before) if change.kind == "set" else set()
        return any(same(word, said) for word in new for said in (*self.wish.unknown, *self.wish.colors))

    def _is_said(self, region: Region) -> bool:
        return any(same(word, said) for noun in nouns_of(region) for word in noun.split() for said in self.wish.words)

    def _new(self) -> Iterator[Region]:
        return (change.after for change in self.changes if change.kind == "add")

    def _may_come(self, applied: Sequence[Change]) -> set[str]:
        said = {singular(word) for word in self.wish.words} | set(COLOR_WORDS)
        return said | {word for change in applied for word in _words(change.after)}

    def _may_go(self, applied: Sequence[Change]) -> set[str]:
        """Words that the whole picture may lose: those of the message, and those of what is changed."""
        said = {singular(word) for word in self.wish.words}
        return said | {word for change in applied for word in _words(change.before)}


def _is_said_as_many(region: Region, wish: EditRequest) -> bool:
    """Whether the message has the region's noun as a plural."""
    return any(singular(word) != word and same(word, noun) for word in wish.words for noun in nouns_of(region))


def _words(value: object) -> set[str]:
    """The content words of a text, of a list of texts or of a region."""
    if isinstance(value, Region):
        return _words(value.description)
    if isinstance(value, str):
        return {singular(word) for word in tokens(re.sub("([a-z])(color)", r"\1 \2", value)) if word not in _SMALL}
    if isinstance(value, Sequence):
        return {word for one in value for word in _words(one)}
    return set()
