"""A description as a noun phrase: number, adjectives, noun, what follows. English, by rules; knows no canvas."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache


def word_set(words: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(words.split())


_COUNTED = "one:1 two:2 three:3 four:4 five:5 six:6 seven:7 eight:8 nine:9 ten:10 twelve:12 pair:2 couple:2 dozen:12"
NUMBERS = {word: int(number) for word, number in (pair.split(":") for pair in _COUNTED.split())}
MANY = frozenset(["many", "several", "some", "few", "lots"])
_ARTICLES = word_set("a an the another this that his her its their my our")
#: Words after which a description says where or how its thing is.
_CUTS = word_set(
    """with without on onto in inside into at under beneath underneath below above over behind before near by beside
    against between among around across along through from to toward towards next atop upon of and or that who
    which while is are has as for like during after off down up outside made full"""
)
#: Words in -ing that are things, so no cut.
_NO_VERBS = word_set(
    """building ceiling evening morning painting wedding king ring wing spring string swing sling lightning clothing
    earring railing thing viking duckling seedling flooring"""
)
#: The words for colours that people put before a noun; those that are more often things (snow, chocolate) are not here.
COLOR_WORDS = word_set(
    """red orange yellow green blue purple pink brown black white gray grey turquoise golden gold silver silvery
    beige teal navy crimson scarlet violet lilac magenta cyan maroon cream tan indigo lavender aqua ivory khaki
    burgundy amber emerald azure fuchsia mauve ruby bronze blond blonde reddish bluish greenish yellowish"""
)
#: Adjectives that a thing may lose or get and stay that thing.
_ADJECTIVES = word_set(
    """small little tiny big large huge giant enormous tall short long wide old ancient young new cute cozy happy sad
    angry sleepy shiny glossy bright dark light pale deep soft fluffy furry striped spotted round square wooden
    wild beautiful pretty majestic magical mysterious lonely colorful colourful full half single lone ripe fresh
    broken open closed snowy sunny rainy misty foggy stormy starry rusty vintage modern simple plain"""
)
_IRREGULAR = {
    **{"man": "men", "woman": "women", "child": "children", "foot": "feet", "mouse": "mice", "goose": "geese"},
    **{
        "tooth": "teeth",
        "cactus": "cacti",
        "leaf": "leaves",
        "wolf": "wolves",
        "knife": "knives",
        "snowman": "snowmen",
    },
    **{"loaf": "loaves", "shelf": "shelves", "person": "people", "ox": "oxen", "scarf": "scarves", "calf": "calves"},
    **{"fisherman": "fishermen", "elf": "elves", "half": "halves", "life": "lives", "wife": "wives", "bus": "buses"},
    **{word: word for word in ("sheep", "fish", "deer", "bison", "moose", "aircraft", "scissors")},
}
_SINGULAR = {plural: singular for singular, plural in _IRREGULAR.items()}


@dataclass(frozen=True, slots=True)
class Phrase:
    """`A small red apple on a plate.`: number "a", count 1, adjectives (small, red), noun "apple", tail "on a plate".
    `count` is 0 where it says many, or a plural without a number.
    """

    number: str
    count: int
    adjectives: tuple[str, ...]
    noun: str
    tail: str

    @property
    def words(self) -> str:
        """The adjectives and the noun."""
        return " ".join((*self.adjectives, self.noun))

    @property
    def head(self) -> str:
        """All but what follows the noun."""
        return f"{self.number} {self.words}".strip()

    @property
    def colors(self) -> tuple[str, ...]:
        return tuple(word for word in self.adjectives if word.lower() in COLOR_WORDS)

    @property
    def is_many(self) -> bool:
        return self.count != 1


def phrase_of(description: str) -> Phrase | None:
    """The phrase that a description opens with, None where it has no word."""
    words = re.findall(r"[\w'’-]+|[^\w\s]", description.strip(" .,;:!?\"'“”"))
    number: list[str] = []
    while words and (_is_number(words[0].lower()) or (number and words[0].lower() == "of")):
        number.append(words.pop(0))
    end = next((at for at, word in enumerate(words) if at and _ends_head(word)), len(words))
    head, tail = words[:end], words[end:]
    if not head or not head[0][0].isalnum():
        return None
    first = next((at for at, word in enumerate(head[:-1]) if not _is_adjective(word.lower())), len(head) - 1)
    noun = " ".join(head[first:])
    return Phrase(" ".join(number), _count(number, noun), tuple(head[:first]), noun, " ".join(tail))


def noun_as_tagged(phrase: Phrase, tags: str) -> Phrase:
    """The phrase with the noun that the tags of its region name: of "a ruined castle" the castle, where that is a tag
    and the ruined castle is none.
    """
    named = {singular(tag.strip().lower()) for tag in tags.split(",")}
    words = phrase.noun.split()
    for at in range(len(words)):
        if singular(" ".join(words[at:]).lower()) in named:
            return replace(phrase, adjectives=(*phrase.adjectives, *words[:at]), noun=" ".join(words[at:]))
    return phrase


@lru_cache(maxsize=1024)
def plural(noun: str) -> str:
    """The plural of a noun's last word; a plural stays."""
    *before, last = noun.split() or [""]
    small = last.lower()
    if not last or small in _SINGULAR or singular(last) != last:
        many = last
    elif small in _IRREGULAR:
        many = _IRREGULAR[small]
    elif small.endswith(("s", "sh", "ch", "x", "z")):
        many = last + "es"
    else:
        many = last[:-1] + "ies" if re.search("[^aeiou]y$", small) else last + "s"
    return " ".join([*before, many])


@lru_cache(maxsize=4096)
def singular(noun: str) -> str:
    """The singular of a noun's last word; a singular stays."""
    *before, last = noun.split() or [""]
    small = last.lower()
    if small in _SINGULAR:
        one = _SINGULAR[small]
    elif small.endswith("ies") and len(small) > 4:
        one = last[:-3] + "y"
    elif small.endswith(("ches", "shes", "xes", "sses", "zes")):
        one = last[:-2]
    elif small.endswith("s") and not small.endswith(("ss", "us", "is")) and len(small) > 3:
        one = last[:-1]
    else:
        one = last
    return " ".join([*before, one])


def with_article(words: str) -> str:
    """`an apple`, `a pear`, `an hourglass`, `a unicorn`."""
    vowel = re.match(r"(?!uni|use|euro|one\b|once\b|ukulele)[aeiou]|hour|honest|heir", words.lower())
    return f"{'an' if vowel else 'a'} {words}"


def _is_number(word: str) -> bool:
    return word in _ARTICLES or word in NUMBERS or word in MANY or word.isdecimal()


def _ends_head(word: str) -> bool:
    small = word.lower()
    if small.endswith("ing") and len(small) > 5:
        return small not in _NO_VERBS
    return small in _CUTS or not word[0].isalnum()


def _is_adjective(word: str) -> bool:
    return word in COLOR_WORDS or word in _ADJECTIVES


def _count(number: list[str], noun: str) -> int:
    words = [word.lower() for word in number]
    found = [NUMBERS.get(word) or int(word) for word in words if word in NUMBERS or word.isdecimal()]
    if found:
        return found[-1]
    last = noun.split()[-1]
    return 0 if MANY.intersection(words) or (not {"a", "an"}.intersection(words) and singular(last) != last) else 1
