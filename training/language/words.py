"""The words of the scene grammar: colours, places, styles, moods, relations and the ways to say them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a region is: words of the canvas vocabulary, and the distance to the viewer."""

    location: str
    offset: str = "no offset"
    distance: float = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """A background: how it is said, its colour, what it shows, and the mood and things it has when none are asked."""

    preposition: str
    color: str
    shows: str
    mood: str
    things: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Relation:
    """How A and B stand to each other: `said` between them, `said_after` as "B with A ...", and where each one goes.

    `large` and `small` name the one (0 is A, 1 is B) whose area is not medium-sized when nobody asked for a size;
    `verbs` says whether "stands", "sitting" and the like may come before `said`. Where it `is_spoken`, the program
    itself says it in the first words of `said`.
    """

    said: tuple[str, ...]
    said_after: tuple[str, ...]
    spots: tuple[Spot, Spot]
    large: int | None = None
    small: int | None = None
    verbs: bool = True
    is_spoken: bool = True


#: colour word -> HTML colour name
COLORS = {
    word: word
    for word in (
        *("red", "blue", "green", "yellow", "orange", "purple", "pink", "brown", "black", "white", "gray"),
        *("silver", "teal", "turquoise", "crimson", "navy", "violet", "beige"),
    )
} | {
    "golden": "gold",
    "dark blue": "darkblue",
    "light blue": "lightblue",
    "dark green": "darkgreen",
    "light green": "lightgreen",
}
PLACES = {
    "forest": Place("in a", "forestgreen", "tall trunks and dappled light", "calm", ("tree", "mushroom")),
    "beach": Place("on a", "sandybrown", "gentle waves and bright sand", "cheerful", ("palm tree", "umbrella")),
    "desert": Place("in a", "tan", "rolling dunes and dry air", "quiet", ("cactus", "sun")),
    "city street": Place("on a", "slategray", "busy shopfronts and wet pavement", "lively", ("bus", "car")),
    "meadow": Place("in a", "lightgreen", "swaying grass and wild blossoms", "peaceful", ("butterfly", "sunflower")),
    "snowy field": Place("in a", "snow", "deep snow and distant pines", "quiet", ("snowman", "penguin")),
    "starry night sky": Place(
        "under a", "midnightblue", "scattered stars and thin clouds", "mysterious", ("moon", "star")
    ),
    "kitchen": Place("in a", "wheat", "tiled walls and hanging pans", "cozy", ("cake", "apple")),
    "library": Place("in a", "saddlebrown", "crowded shelves and quiet corners", "quiet", ("cat", "robot")),
    "garden": Place("in a", "limegreen", "trimmed hedges and a winding path", "peaceful", ("tulip", "butterfly")),
    "sunset sky": Place("under a", "coral", "glowing clouds and a low sun", "warm", ("sun", "sailboat")),
    "ocean": Place("in the", "steelblue", "rolling swells and sea spray", "calm", ("whale", "fish")),
    "cave": Place("in a", "dimgray", "damp rock and deep shadows", "mysterious", ("mushroom", "frog")),
    "village square": Place("in a", "peru", "old cobbles and market stalls", "lively", ("house", "dog")),
    "stormy sky": Place(
        "under a", "darkslategray", "heavy clouds and distant lightning", "dramatic", ("house", "umbrella")
    ),
    "jungle": Place("in a", "darkgreen", "hanging vines and broad leaves", "lively", ("palm tree", "frog")),
    "park": Place("in a", "palegreen", "open lawns and shady trees", "cheerful", ("tree", "dog")),
    "living room": Place("in a", "linen", "soft carpets and warm lamps", "cozy", ("cat", "cactus")),
    "bedroom": Place("in a", "lavender", "a neat bed and soft curtains", "quiet", ("cat", "balloon")),
    "classroom": Place("in a", "khaki", "wooden desks and a wide board", "lively", ("apple", "robot")),
    "farm": Place("on a", "yellowgreen", "red barns and open fields", "peaceful", ("house", "dog")),
    "harbor": Place("in a", "lightsteelblue", "moored boats and still water", "calm", ("sailboat", "fish")),
    "mountain valley": Place("in a", "cadetblue", "steep slopes and a clear stream", "peaceful", ("house", "tree")),
    "blue sky": Place("under a", "skyblue", "small clouds and clear air", "cheerful", ("balloon", "rainbow")),
    "castle hall": Place("in a", "dimgray", "tall pillars and hanging banners", "dramatic", ("robot", "cat")),
    "outer space": Place("in", "black", "distant stars and drifting dust", "mysterious", ("rocket", "star")),
    "rainy street": Place("on a", "slategray", "falling rain and shining puddles", "quiet", ("umbrella", "car")),
    "autumn forest": Place("in an", "darkorange", "orange leaves and misty paths", "warm", ("tree", "mushroom")),
    "swamp": Place("in a", "darkolivegreen", "murky water and mossy roots", "mysterious", ("frog", "mushroom")),
    "market": Place("in a", "burlywood", "crowded stalls and colorful awnings", "lively", ("banana", "strawberry")),
    "rooftop": Place("on a", "lightslategray", "low walls and a wide city view", "calm", ("cat", "moon")),
    "lake": Place("by a", "lightblue", "still water and soft reflections", "calm", ("sailboat", "tree")),
    "river": Place("by a", "steelblue", "flowing water and smooth stones", "calm", ("fish", "tree")),
    "room": Place("in a", "beige", "plain walls and a wooden floor", "quiet", ("cat", "balloon")),
    "street": Place("on a", "gray", "a long road and low houses", "lively", ("car", "house")),
    "field": Place("in a", "yellowgreen", "long grass and an open sky", "peaceful", ("sunflower", "sun")),
    "cafe": Place("in a", "bisque", "small tables and warm light", "cozy", ("cake", "strawberry")),
    "museum": Place("in a", "whitesmoke", "white walls and framed pictures", "quiet", ("robot", "whale")),
}
#: style word -> what the `style` of every region says
STYLES = {
    "photo": "Realistic photo",
    "oil painting": "Oil painting",
    "watercolor": "Soft watercolor",
    "pixel art": "Pixel art",
    "anime": "Anime drawing",
    "cartoon": "Cartoon style",
    "flat illustration": "Flat illustration",
    "pencil sketch": "Pencil sketch",
    "3d render": "Smooth 3d render",
    "comic": "Comic drawing",
    "ink drawing": "Ink drawing",
    "pastel drawing": "Pastel drawing",
    "low poly": "Low poly art",
    "vintage poster": "Vintage poster",
}
DEFAULT_STYLE = "flat illustration"
DEFAULT_MOOD = "calm"
MOODS = (
    *("calm", "lively", "mysterious", "cheerful", "dramatic", "cozy", "quiet", "peaceful", "warm", "gloomy"),
    *("romantic", "festive", "dreamy", "scary"),
)
ANIMAL_KINDS = ("mammal", "bird", "sea animal", "reptile", "insect")
ATTRIBUTES = {
    "animal": ["cute", "sleeping", "happy", "curious", "playful", "young", "old", "fluffy", "tiny-eyed"],
    "person": ["smiling", "young", "tired", "brave", "kind", "tall", "elegant", "mysterious"],
    "other": ["old", "shiny", "beautiful", "wooden", "broken", "glowing", "ancient", "modern", "decorated", "simple"],
}
SIZE_WORDS = {"small": ("small", "tiny", "little"), "large": ("large", "big", "huge", "giant")}
#: how many -> the word; 0 stands for an open number
NUMBERS = {
    0: "many",
    2: "two",
    3: "three",
    4: "four",
    5: "five",
    6: "six",
    7: "seven",
    8: "eight",
    9: "nine",
    10: "ten",
}
#: location of the canvas vocabulary -> ways to say it
SAID_AT = {
    "in the center": ("in the center", "in the middle", "at the center"),
    "on the left": ("on the left", "on the left side", "at the left"),
    "on the right": ("on the right", "on the right side", "at the right"),
    "on the top": ("at the top", "on the top", "up at the top"),
    "on the bottom": ("at the bottom", "on the bottom", "down at the bottom"),
    "on the top-left": ("on the top-left", "in the upper left", "in the top left corner", "at top left"),
    "on the top-right": ("on the top-right", "in the upper right", "in the top right corner", "at top right"),
    "on the bottom-left": (
        "on the bottom-left",
        "in the lower left",
        "in the bottom left corner",
        "at the bottom left",
    ),
    "on the bottom-right": (
        "on the bottom-right",
        "in the lower right",
        "in the bottom right corner",
        "at the bottom right",
    ),
}
#: the nine locations as a grid, top row first
GRID = (
    ("on the top-left", "on the top", "on the top-right"),
    ("on the left", "in the center", "on the right"),
    ("on the bottom-left", "on the bottom", "on the bottom-right"),
)
_LEFT, _RIGHT, _LOW = Spot("on the left"), Spot("on the right"), Spot("on the bottom")
_TOP = Spot("on the top")
_NEAR = Spot("in the center", "slightly to the lower", 0.5)
_FAR = Spot("in the center", "slightly to the upper", 3.0)
RELATIONS = {
    "left of": Relation(
        ("to the left of", "left of", "on the left of"), ("to its left", "on its left side"), (_LEFT, _RIGHT)
    ),
    "right of": Relation(
        ("to the right of", "right of", "on the right of"), ("to its right", "on its right side"), (_RIGHT, _LEFT)
    ),
    "above": Relation(("above", "over", "floating above", "hanging over"), ("above it", "over it"), (_TOP, _LOW)),
    "below": Relation(("below", "under", "underneath", "beneath"), ("below it", "underneath"), (_LOW, _TOP)),
    "next to": Relation(
        ("next to", "beside", "near", "close to", "by", "at the side of"), ("beside it", "next to it"), (_LEFT, _RIGHT)
    ),
    "and": Relation(("and", "with", "together with"), (), (_LEFT, _RIGHT), verbs=False, is_spoken=False),
    "facing": Relation(
        ("looking at", "facing", "chasing", "fighting", "following", "talking to"), (), (_LEFT, _RIGHT), verbs=False
    ),
    "in front of": Relation(("in front of", "before", "just ahead of"), ("in front of it",), (_NEAR, _FAR), large=1),
    "behind": Relation(
        ("behind", "hiding behind", "at the back of", "half hidden by"), ("behind it",), (_FAR, _NEAR), large=0
    ),
    "on": Relation(
        ("on", "on top of", "riding", "set down on", "balancing on"),
        ("on top", "on top of it"),
        (Spot("in the center", "slightly to the upper", 0.5), Spot("on the bottom")),
        large=1,
    ),
    "inside": Relation(
        ("inside", "in", "within", "tucked into", "hidden in"),
        ("inside", "inside it"),
        (Spot("in the center", distance=0.5), Spot("in the center")),
        large=1,
        small=0,
    ),
    "holding": Relation(
        ("holding", "carrying"),
        (),
        (Spot("in the center"), Spot("in the center", "slightly to the lower-right", 0.5)),
        small=1,
        verbs=False,
    ),
}
#: singular, plural and participle of the verbs that may stand before a relation
VERBS = (
    ("is", "are", ""),
    ("stands", "stand", "standing"),
    ("sits", "sit", "sitting"),
    ("rests", "rest", "resting"),
    ("waits", "wait", "waiting"),
    ("lies", "lie", "lying"),
)
#: kind words that a person may use instead of a noun -> the familiar noun that answers them
OPEN_KINDS = {
    "an animal": "cat",
    "a pet": "dog",
    "a bird": "penguin",
    "a sea animal": "whale",
    "an insect": "butterfly",
    "a fruit": "apple",
    "a flower": "sunflower",
    "a plant": "cactus",
    "something to eat": "pizza",
    "a dessert": "cake",
    "a vehicle": "car",
    "a building": "house",
    "a toy": "balloon",
    "something in the sky": "sun",
}
LEADS = (
    "", "", "", "", "generate an image of ", "draw ", "create a picture of ", "show me ", "i want ", "please draw ",
    "can you make an image of ", "paint ", "a picture of ",
    "a scene with ", "there is ", "imagine ",
)  # fmt: skip
