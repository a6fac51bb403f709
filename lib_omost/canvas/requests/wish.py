"""What a message asks to change in a plan: the things that it names, and what kind of wish it is. English, by rules.

Runs no model and decides nothing: scope.py says which changes of a reply such a wish gives ground for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from lib_omost.canvas.canvas import Canvas, Region
from lib_omost.canvas.vocabulary import GRID
from lib_omost.canvas.words.noun_phrase import COLOR_WORDS, NUMBERS, phrase_of, singular
from lib_omost.canvas.words.wish_words import (
    ADD,
    ALIKE,
    ANOTHER,
    BACKDROP,
    DETERMINERS,
    FILLERS,
    GENERAL,
    LANDMARK,
    MANY,
    MOOD,
    OF_A_TARGET,
    PLACING,
    PLURAL_PRONOUNS,
    PRONOUNS,
    REMOVE,
    SCENE,
    SOMEONE,
    SWAP,
    THE,
    TONES,
    WHERE,
)

#: From this share of the canvas on a region is the ground or the back of the scene.
BACKGROUND = 0.65


_KNOWN = frozenset().union(
    FILLERS, GENERAL, PRONOUNS, PLURAL_PRONOUNS, REMOVE, ADD, MANY, PLACING, SCENE, MOOD, NUMBERS, COLOR_WORDS
)
_NEW_PICTURE = re.compile(
    r"\b(?:start (?:over|again|anew|fresh)|from scratch|new (?:picture|image|scene|one|plan)|(?:something|anything)"
    r" (?:completely |totally |entirely |quite )?(?:different|else|new)|another (?:picture|image|scene)|"
    r"(?:scrap|forget|discard|throw away|drop|never mind) (?:that|it|this|all|everything|the (?:picture|whole|plan))|"
    r"next picture|different (?:picture|scene|image))\b"
)
_UNDO = re.compile(
    r"\b(?:undo|revert|(?:go|get|take (?:it|that|this)|bring (?:it|that|this)|put (?:it|that|this)|change (?:it|that)) "
    r"back|take that back|back to (?:how|what|the (?:one|way|previous|last|old|first|earlier))|"
    r"(?:as|how|like|what) it was|(?:was|were|looked) (?:better|nicer|fine|good|prettier)(?: before| then)?|previous|"
    r"the (?:one|version) before|better before|restore)\b"
)
_REST = r"(?:everything|everyone|all (?:the )?(?:others?|rest|else)|anything else|the (?:rest|others?))"
#: All but what is named is to go.
_ONLY = re.compile(
    rf"\b(?:remove|delete|erase|rid of|drop|clear|lose|take|throw|cut)\b.*\b{_REST}\b|"
    rf"\b{_REST}\b.*\b(?:away|out|gone|go|goes|removed|deleted|erased|off)\b|"
    r"\b(?:just|only) (?:keep|leave|show)\b|\bkeep (?:only|just|nothing but)\b|\bnothing but\b|^(?:just|only) the \w+$"
)
_NOT_WANTED = re.compile(
    r"\b(?:do not|don't|dont|doesn't|does not|shouldn't|should not|no longer) "
    r"(?:want|need|like|belong|be (?:there|here|in))"
)
#: A message that begins so puts something in.
_A_THING = re.compile(r"^(?:and |also |plus |then |with )*(?:an?|some|another|two|three|four|five|several|many|more) ")
_SIDES = {
    "left": (0, -1),
    "right": (0, 1),
    "top": (1, -1),
    "upper": (1, -1),
    "bottom": (1, 1),
    "lower": (1, 1),
    "middle": (0, 0),
    "center": (0, 0),
    "centre": (0, 0),
}
_ON_A_SIDE = re.compile(
    r"\b(?P<noun>\w+) (?:that is |that's |which is |who is )?(?:on|at|to|in) the (?:far |very |extreme )?(?P<side>"
    + "|".join(_SIDES)
    + r")\b"
)
_SIDE_ONE = re.compile(
    r"\bthe (?:far |very )?(?P<side>" + "|".join(_SIDES) + r")(?:[- ]?(?:most|hand))? (?P<noun>\w+)\b"
)


@dataclass(frozen=True, slots=True)
class EditRequest:
    """A message over the regions of a plan, each by its index.

    targets: what it names as what to change. landmarks: what it names only to say where. pronoun, plural, general: it
    means something of the plan by "it", "them", "the animal". elsewhere: it names a place that the plan does not have.
    places: it speaks of places or sizes, other than to say which thing it means. unknown: its content words that the
    plan does not have.
    """

    words: tuple[str, ...]
    targets: frozenset[int]
    landmarks: frozenset[int]
    pronoun: bool
    plural: bool
    general: bool
    elsewhere: bool
    places: bool
    new_picture: bool
    undoes: bool
    only: bool
    unknown: frozenset[str]

    def has(self, some: frozenset[str]) -> bool:
        return any(word in some for word in self.words)

    @property
    def names(self) -> bool:
        """Whether it names a thing of the plan."""
        return bool(self.targets or self.landmarks)

    @property
    def means(self) -> bool:
        """Whether it speaks of things that are there, by whatever word."""
        return self.names or self.pronoun or self.plural or self.general

    @property
    def removes(self) -> bool:
        return self.has(REMOVE) or bool(_NOT_WANTED.search(" ".join(self.words)))

    @property
    def adds(self) -> bool:
        return self.has(ADD) or bool(_A_THING.search(" ".join(self.words)))

    @property
    def is_of_scene(self) -> bool:
        """Whether it speaks of the whole: by a word of the scene, or a mood that is not a thing's."""
        a_thing = self.targets or (self.pronoun and not {"it", "its", "that", "this"}.intersection(self.words))
        return self.has(SCENE) or (self.has(MOOD) and not a_thing)

    @property
    def is_of_someone(self) -> bool:
        """Whether it says "he" or "she"."""
        return self.has(SOMEONE)

    @property
    def is_of_tones(self) -> bool:
        """Whether it speaks of colours without a thing, so that any may follow."""
        return self.has(TONES) or (bool(self.colors) and not self.has(BACKDROP))

    @property
    def multiplies(self) -> bool:
        """Whether there may be a second one of a thing that is there."""
        return self.has(MANY) or any(word.isdecimal() or (word in NUMBERS and word != "one") for word in self.words)

    @property
    def colors(self) -> tuple[str, ...]:
        return tuple(word for word in self.words if word in COLOR_WORDS)

    @property
    def only_colors(self) -> bool:
        """Whether it says nothing but things of the plan and colours."""
        return bool(self.colors) and not self.places and self.unknown <= COLOR_WORDS | MOOD

    @property
    def only_places(self) -> bool:
        """Whether it says nothing but things of the plan, places and sizes."""
        else_said = self.unknown or self.removes or self.has(SWAP) or self.adds or self.is_of_scene or self.has(MOOD)
        return self.places and not else_said and not self.colors


def read_wish(message: str, canvas: Canvas) -> EditRequest:
    """What `message` asks of the plan `canvas`."""
    words = tokens(re.sub(r"^\W*(?:no|nah|nope)\s*[,.!;:-]", "", message.lower()))
    text = " ".join(words)
    targets, landmarks, used = _mentions(words, canvas.regions)
    targets |= _on_a_side(text, canvas.regions, {words[at] for at in used})
    unknown = [at for at, word in enumerate(words) if at not in used and len(word) > 1 and word not in _KNOWN]
    return EditRequest(
        words=tuple(words),
        targets=frozenset(targets),
        landmarks=frozenset(landmarks - targets),
        pronoun=any(word in PRONOUNS and not _is_landmark(words, at) for at, word in enumerate(words)),
        plural=any(word in PLURAL_PRONOUNS and not _is_landmark(words, at) for at, word in enumerate(words)),
        general=any(_is_general(words, at) for at in range(len(words))),
        places=any(word in PLACING for word in _SIDE_ONE.sub("", _ON_A_SIDE.sub(_but_general, text)).split()),
        elsewhere=any(_is_after(words, at, WHERE) for at in unknown),
        new_picture=bool(_NEW_PICTURE.search(text)),
        undoes=asks_undo(message),
        only=bool(_ONLY.search(text)),
        unknown=frozenset(words[at] for at in unknown),
    )


def asks_undo(message: str) -> bool:
    """Whether a message wants an earlier state back, in so many words."""
    return bool(_UNDO.search(" ".join(tokens(message)))) and len(tokens(message)) <= 14


def tokens(text: str) -> list[str]:
    """The words of a text, small, with one kind of apostrophe and no possessive."""
    return [word.removesuffix("'s") for word in re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower().replace("’", "'"))]


@lru_cache(maxsize=4096)
def same(one: str, other: str) -> bool:
    """Whether two words are forms of one, or usual words for the same thing."""
    one, other = singular(one), singular(other)
    return one == other or any(one in group and other in group for group in ALIKE)


def is_background(region: Region) -> bool:
    return region.box.cells >= BACKGROUND * GRID * GRID


def nouns_of(region: Region) -> list[str]:
    """What a region is called: its name, its noun whole, the noun's last word, and nouns that its description joins."""
    return list(dict.fromkeys([region.name.lower()] * bool(region.name) + nouns_in(region.description)))


def nouns_in(description: str) -> list[str]:
    """The nouns of a description that it is about, whole and their last words."""
    found = list[str]()
    for part in re.split(r" and |, (?=an? )", description):
        phrase = phrase_of(part)
        if phrase is not None:
            found += [phrase.noun.lower(), phrase.noun.lower().split()[-1]]
    return list(dict.fromkeys(word for word in found if word))


def _mentions(words: Sequence[str], regions: Sequence[Region]) -> tuple[set[int], set[int], set[int]]:
    """(regions named as targets, named as landmarks, the places of the words that name them)."""
    targets, landmarks, used = set[int](), set[int](), set[int]()
    found = [(index, *place) for index, region in enumerate(regions) for place in _places(words, region)]
    exact = {begin for _, begin, _, is_exact in found if is_exact}
    for index, begin, end, is_exact in found:
        if (is_exact or begin not in exact) and _may_mean(words, begin, regions[index], regions):
            used.update(range(begin, end))
            (landmarks if _is_landmark(words, begin) else targets).add(index)
    if "background" in words:
        targets |= {index for index, region in enumerate(regions) if is_background(region)}
    return targets, landmarks, used


def _places(words: Sequence[str], region: Region) -> Iterator[tuple[int, int, bool]]:
    """Where the words may name the region: first word, the one after the last, whether they are its very words."""
    for noun in nouns_of(region):
        parts = noun.split()
        for begin in range(len(words) - len(parts) + 1):
            said = words[begin : begin + len(parts)]
            if all(_is_meant(word, part) for word, part in zip(said, parts, strict=True)):
                is_exact = all(singular(word) == singular(part) for word, part in zip(said, parts, strict=True))
                yield begin, begin + len(parts), is_exact


def _is_meant(word: str, noun: str) -> bool:
    """A long word may have a slip of the keyboard in it."""
    if word in FILLERS or word in DETERMINERS:
        return False
    if same(word, noun):
        return True
    is_long = min(len(word), len(noun)) > 3 and max(len(word), len(noun)) > 4 and word[0] == noun[0]
    return is_long and word not in _KNOWN and bool(get_close_matches(singular(word), [singular(noun)], 1, 0.85))


def _may_mean(words: Sequence[str], at: int, region: Region, regions: Sequence[Region]) -> bool:
    """ "The red car" means another one where there is a red car beside this one."""
    before = words[max(at - 2, 0) : at]
    said = [word for word in before if word in COLOR_WORDS]
    if not said or _has_word(region, said):
        return True
    noun = nouns_of(region)[-1:]
    return not any(_has_word(one, said) and nouns_of(one)[-1:] == noun for one in regions)


def _has_word(region: Region, words: Sequence[str]) -> bool:
    return any(word in tokens(f"{region.description} {region.HTML_web_color_name}") for word in words)


def _is_general(words: Sequence[str], at: int) -> bool:
    """Whether the word there means a thing of the plan without naming it: "the animal", not "a bird"."""
    return singular(words[at]) in GENERAL and any(word in THE for word in words[max(at - 2, 0) : at])


def _is_after(words: Sequence[str], at: int, some: frozenset[str]) -> bool:
    """Whether one of `some` stands up to three words before."""
    return any(word in some for word in words[max(at - 3, 0) : at])


def _is_landmark(words: Sequence[str], at: int) -> bool:
    """Whether the noun that begins at `at` stands after a word of place, or means one more than that of the plan."""
    while at and (words[at - 1] in DETERMINERS or words[at - 1] in COLOR_WORDS):
        at -= 1
    if at and words[at - 1] in ANOTHER:
        return True
    if not at or words[at - 1] not in LANDMARK:
        return False
    before = words[at - 2] if at > 1 else ""
    return not (
        (words[at - 1] in ("of", "from") and before in OF_A_TARGET)
        or (words[at - 1] == "than" and before in ("rather", "nicer", "better"))
    )


def _on_a_side(text: str, regions: Sequence[Region], named: set[str]) -> set[int]:
    """Regions that "the one on the left" or "the left one" means; `named`: words that name a thing by themselves."""
    found = set[int]()
    for match in (*_ON_A_SIDE.finditer(text), *_SIDE_ONE.finditer(text)):
        noun = singular(match["noun"])
        if noun in GENERAL and match["noun"] not in named:
            found |= {index for index, region in enumerate(regions) if _is_at(region, match["side"])}
    return found


def _but_general(match: re.Match[str]) -> str:
    return "" if singular(match["noun"]) in GENERAL else match[0]


def _is_at(region: Region, side: str) -> bool:
    if is_background(region):
        return False
    down, toward = _SIDES[side]
    box = region.box
    center = (box.top + box.bottom if down else box.left + box.right) / 2 - GRID / 2
    return abs(center) < GRID / 9 if toward == 0 else center * toward > GRID / 18
