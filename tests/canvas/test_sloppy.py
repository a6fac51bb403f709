"""Replies as models really write them: what survives, and what is said about it. Every case is one way to slip."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from lib_omost.canvas import read_canvas

START = "canvas = Canvas()\n"
WHOLE = """canvas.set_global_description(
    description='A kitchen.',
    detailed_descriptions=['Morning light.', 'Old tiles.'],
    tags='kitchen',
    HTML_web_color_name='wheat',
)
"""
VALUES = {
    "location": "'on the left'",
    "offset": "'no offset'",
    "area": "'a small square area'",
    "distance_to_viewer": "2.0",
    "description": "'A red apple.'",
    "detailed_descriptions": "['It shines.', 'It is round.']",
    "tags": "'apple'",
    "atmosphere": "'calm'",
    "style": "'photo'",
    "quality_meta": "'sharp'",
    "HTML_web_color_name": "'red'",
}


def region(_end: str = ")\n", **changed: str | None) -> str:
    """A call in correct Python except for what is `changed`; None leaves a keyword out."""
    values = {**VALUES, **changed}
    lines = [f"    {name}={value},\n" for name, value in values.items() if value is not None]
    return "canvas.add_local_description(\n" + "".join(lines) + _end


APPLE = region()
PEAR = region(location="'on the right'", description="'A green pear.'", HTML_web_color_name="'green'")
PROGRAM = START + WHOLE + APPLE + PEAR
BOTH = ("A red apple.", "A green pear.")


class Case(NamedTuple):
    name: str
    text: str
    regions: tuple[str, ...] = BOTH
    says: str = ""  # part of one of the notes; "" where the text is fine as it stands


def fenced(code: str, opening: str = "```python\n", closing: str = "```\n") -> str:
    return f"Sure!\n\n{opening}{code}{closing}\nEnjoy."


def quoted(text: str, mark: str = "> ") -> str:
    return "".join(mark + line for line in text.splitlines(keepends=True))


def apple(**changed: str | None) -> str:
    return START + WHOLE + region(**changed) + PEAR


LOST_BRACKET = APPLE.replace("'It is round.'],", "'It is round.',")
JSON = """{
  "global": {"description": "A kitchen.", "detailed_descriptions": [], "tags": "", "HTML_web_color_name": "wheat"},
  "regions": [
    {"location": "on the left", "offset": "no offset", "area": "a small square area", "distance_to_viewer": 2,
     "description": "A red apple.", "HTML_web_color_name": "red"},
    {"location": "right", "description": "A green pear.", "bbox": [50, 10, 80, 60]}
  ]
}
"""
CALLS = """[
 {"function": "set_global_description", "arguments": {"description": "A kitchen."}},
 {"function": "add_local_description", "arguments": {"description": "A red apple.", "location": "left"}},
 {"function": "add_local_description", "arguments": {"description": "A green pear.", "location": "right"}}
]"""

CASES = [
    # fences
    Case("plain fence", fenced(PROGRAM)),
    Case("no fence at all", "Here it is:\n" + PROGRAM + "\nEnjoy."),
    Case("no fence, nothing else", PROGRAM),
    Case("fence without a language", fenced(PROGRAM, "```\n")),
    Case("fence py", fenced(PROGRAM, "```py\n")),
    Case("fence Python with spaces", fenced(PROGRAM, "``` Python  \n")),
    Case("tilde fence", fenced(PROGRAM, "~~~python\n", "~~~\n")),
    Case("four backticks", fenced(PROGRAM, "````python\n", "````\n")),
    Case("unclosed fence", fenced(PROGRAM, closing=""), says="not closed"),
    Case("closing fence on the last code line", fenced(PROGRAM.rstrip(), closing="```\n")),
    Case("code on the fence line", fenced(PROGRAM, "```python ")),
    Case("indented fence and code", quoted(fenced(PROGRAM), "    ")),
    Case("CRLF", fenced(PROGRAM).replace("\n", "\r\n")),
    Case("old Mac line ends", fenced(PROGRAM).replace("\n", "\r")),
    Case("block quote", quoted(fenced(PROGRAM))),
    Case("nested block quote without a fence", quoted(PROGRAM, ">> ")),
    Case("another block first", "```bash\npip install x\n```\n" + fenced(PROGRAM)),
    Case("a text block first", "```text\nA plan: apple, pear.\n```\n" + fenced(PROGRAM)),
    Case("reasoning before", "<think>\nMaybe\n" + START + APPLE + "</think>\n" + fenced(PROGRAM)),
    Case("reasoning without its opening tag", START + APPLE + "Hm, no.\n</think>\n" + fenced(PROGRAM)),
    Case("fence in a triple-quoted text", START + WHOLE + region(tags='"""a\n```\nb"""') + PEAR),
    Case("one program over two blocks", fenced(START + WHOLE + APPLE) + "And then:\n" + fenced(PEAR)),
    Case("two canvases", fenced(START + WHOLE + APPLE) + fenced(PROGRAM), says="2 canvases"),
    Case("the second canvas is cut", fenced(PROGRAM) + "```\n" + START + WHOLE + APPLE[:60], says="last complete"),
    Case("special tokens", "<|assistant|>\n" + fenced(PROGRAM) + "<|eot_id|>\n"),
    Case("special token inside the block", fenced(PROGRAM + "<|eot_id|>\n")),
    Case("a byte order mark", "\ufeff" + PROGRAM),
    # the frame of the program
    Case("no Canvas() line", fenced(WHOLE + APPLE + PEAR)),
    Case("no spaces around the equals sign", PROGRAM.replace("canvas = ", "canvas=")),
    Case("another variable", PROGRAM.replace("canvas.", "c.").replace("canvas =", "c =")),
    Case("annotated variable", PROGRAM.replace("canvas =", "canvas: Canvas =")),
    Case("an import and a print", fenced("from omost import Canvas\n" + PROGRAM + "print(canvas)\ncanvas.process()\n")),
    Case(
        "comments everywhere",
        PROGRAM.replace("tags=", "# the tags\n    tags=").replace("offset',\n", "offset',  # none\n"),
    ),
    Case("the class once more", fenced("class Canvas:\n    def f(self):\n        pass\n" + PROGRAM), says="'class'"),
    Case(
        "calls in a loop", fenced(PROGRAM.replace(APPLE, "for i in range(3):\n" + quoted(APPLE, "    "))), says="'for'"
    ),
    Case("semicolons", START.strip() + "; " + WHOLE.strip() + "; " + APPLE.strip() + ";" + PEAR),
    Case("calls without a variable", PROGRAM.replace("canvas.", "")),
    Case("camel case", PROGRAM.replace("add_local_description", "addLocalDescription"), says="is read as add_local"),
    Case("misspelt method", PROGRAM.replace("add_local_description", "add_local_desc"), says="is read as add_local"),
    Case("no global description", START + APPLE + PEAR, says="no global description"),
    Case("only a global description", START + WHOLE, ()),
    Case("the global description last", START + APPLE + PEAR + WHOLE),
    Case("two global descriptions", START + WHOLE + WHOLE + APPLE + PEAR, says="given twice"),
    # cut
    Case(
        "cut in a text", fenced(PROGRAM)[: fenced(PROGRAM).index("green pear")], BOTH[:1], "in the middle of region 2"
    ),
    Case("cut between two arguments", PROGRAM[: PROGRAM.rindex("tags=")], BOTH[:1], "in the middle of region 2"),
    Case("cut before the last parenthesis", PROGRAM.rstrip()[:-1], says="closing parenthesis is missing"),
    Case("cut in the fence line", PROGRAM + "``", says=""),
    # quotes
    Case("an apostrophe", apple(description="'A red apple.'", tags="'the cook's apple'"), says="write \\'"),
    Case("two apostrophes", apple(tags="'the cook's and the cat's'"), says="write \\'"),
    Case("an apostrophe and a bracket", apple(tags="'the cook's (old) :) one'"), says="write \\'"),
    Case("double quotes inside", apple(tags='"a "fresh" apple"'), says='write \\"'),
    Case("curly quotes", apple(tags="“apple”", style="‘photo’"), says="not a Python quote"),
    Case("a missing closing quote", apple(tags="'apple"), says="closing quote is missing"),
    Case("a missing closing quote before an argument", apple(tags="'apple, atmosphere='calm'"), says="closing quote"),
    Case("a missing opening quote", apple(tags="apple'"), says=""),
    Case("no quotes", apple(tags="apple tree"), says="quotes are missing"),
    Case("a line break in quotes", apple(tags="'apple\ntree'"), says="line break"),
    Case("a bad escape", apple(tags=r"'50\% apple'")),
    Case("backticks for quotes", apple(tags="`apple`"), says="not a Python quote"),
    # commas and brackets
    Case("no comma between arguments", apple().replace("'calm',", "'calm'"), says="a comma is missing"),
    Case("no comma in a list", apple(detailed_descriptions="['It shines.'\n 'It is round.']")),
    Case("no bracket", START + WHOLE + LOST_BRACKET + PEAR, says="closing bracket is missing"),
    Case("no parenthesis", START + WHOLE + region(_end="") + PEAR, says="closing parenthesis is missing"),
    Case("a parenthesis too many", START + WHOLE + region(_end="))\n") + PEAR),
    Case("full-width commas", apple(tags="'apple'，").replace("，,", "，"), says="comma"),
    Case("colons for equals signs", PROGRAM.replace("tags=", "tags: ")),
    Case("quoted keywords", PROGRAM.replace("tags=", '"tags": ')),
    # arguments
    Case(
        "positional arguments", START + WHOLE + f"canvas.add_local_description({', '.join(VALUES.values())})\n" + PEAR
    ),
    Case("an unknown argument", apple(mood="'calm'", weight="3"), says="'weight' is no argument"),
    Case("a misspelt argument", apple().replace("quality_meta", "quality_meat"), says="read as quality_meta"),
    Case("another usual name", apple().replace("HTML_web_color_name", "color"), says="read as HTML_web_color_name"),
    Case("missing arguments", apple(area=None, quality_meta=None), says="Not given: area;"),
    Case("an argument twice", apple().replace("'calm',", "'calm', atmosphere='warm',"), says="given twice"),
    # values
    Case("words by meaning", apple(location="'in the middle'"), says="read as 'in the center'"),
    Case("words that mean nothing", apple(location="'somewhere'"), says="says no place; 'in the center' stands in"),
    Case("a full image area", apple(area="'a full image area'"), says="a large square area"),
    Case("a colour of everyday", apple(HTML_web_color_name="'bright red'"), says="read as 'red'"),
    Case("a colour as numbers", apple(HTML_web_color_name="(255, 0, 0)"), says="read as 'red'"),
    Case("no colour", apple(HTML_web_color_name="'transparent'"), says="is no colour"),
    Case("tags as a list", apple(tags="['apple', 'fruit']"), says="joined by commas"),
    Case("details as one text", apple(detailed_descriptions="'It shines.'"), says="list of one"),
    Case("details as a tuple", apple(detailed_descriptions="('It shines.', 'It is round.')")),
    Case("a distance in quotes", apple(distance_to_viewer="'2.0'"), says="read as 2"),
    Case("a negative distance", apple(distance_to_viewer="-1.5"), says="read as 0.1"),
    Case("None for a text", apple(style="None"), says="not text"),
    Case("texts joined by plus", apple(tags="'apple' + ', ' + 'fruit'")),
    Case("an f-string without fields", apple(tags="f'apple'")),
    Case("an f-string with a field", apple(tags="f'{x} apple'"), says="f-string"),
    Case("a name for a value", apple(tags="TAGS"), says="a name is not run"),
    Case("a box in fractions", apple(bbox="(0.0, 0.5, 0.5, 1.0)"), says="whole 90ths"),
    Case("a box beyond the canvas", apple(bbox="[-5, 0, 100, 40]"), says="(0, 0, 90, 40)"),
    Case("a box of nothing", apple(bbox="[5, 5, 5, 5]"), says="covers nothing"),
    # other languages
    Case("JSON", fenced(JSON, "```json\n"), says="written as JSON"),
    Case("JSON without a fence", "Here: \n" + JSON, says="written as JSON"),
    Case("cut JSON", JSON[: JSON.rindex("]")], says="written as JSON"),
    Case("a Python dictionary", JSON.replace('"', "'"), says="written as JSON"),
    Case("JSON of calls", CALLS, says="written as JSON"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_sloppy_reply_keeps_its_regions_and_says_what_was_repaired(case: Case) -> None:
    reading = read_canvas(case.text)
    assert reading.canvas is not None, reading.notes
    assert tuple(region.description for region in reading.canvas.regions) == case.regions, reading.notes
    assert case.says in " ".join(note.message for note in reading.notes), reading.notes
    assert (reading.status == "repair") == any(note.level != "info" for note in reading.notes)
    if case.says:
        assert reading.status == "repair"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_code_of_a_sloppy_reply_reads_as_the_same_canvas(case: Case) -> None:
    reading = read_canvas(case.text)
    again = read_canvas(reading.code)
    assert again.canvas == reading.canvas
    starts = [reading.code[start:end].lower().replace("_", "") for start, end in reading.spans]
    assert all("addlocaldesc" in start[:40] for start in starts) and len(starts) == len(case.regions)


def test_there_are_at_least_sixty_ways_to_slip() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("   \n\n", "empty"),
        ("I am sorry, I cannot draw that.", "only words"),
        ("<think>\nFirst, the kitchen", "still reasoning"),
        ("```python\n# nothing yet\n```", "only words"),
        (
            "```python\ncanvas = Canvas()\ncanvas.set_global_description(\n    description='A",
            "in the middle of the global",
        ),
        ('{"answer": 42}', "only words"),
        ("canvas.add_local_description()", "describes nothing"),
    ],
)
def test_a_reply_without_a_canvas_is_rejected_with_a_reason(text: str, says: str) -> None:
    reading = read_canvas(text)
    assert (reading.status, reading.canvas, reading.code) == ("reject", None, "")
    assert says in reading.summary
