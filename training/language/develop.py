"""Asks an adapter the development set: requests, captions, edits and messages that are no picture, written by hand.

    python -m training.language.develop --adapter .kitwork/language/adapter

Judged from boxes and words alone; what failed is named. The set may be looked at and tuned on: it says whether a change
of the training helps, not how good the planner is.
"""

from __future__ import annotations

import argparse
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from bench._layout_judge import RELATIONS, centre
from lib_omost.canvas import Canvas, Region, read_canvas
from lib_omost.composer import ComposeSettings, Message
from training import nouns
from training.language.scenes import Scene, Thing, program
from training.language.words import Spot

SET = Path(__file__).with_name("development.jsonl")
Ask = Callable[[Sequence[Message]], str]
Check = Callable[[Canvas | None, Canvas, Any], Iterator[str]]
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "pair": 2}
#: side -> whether a centre (across, down) of 0 to 90 is there
_SIDES: dict[str, Callable[[float, float], bool]] = {
    "left": lambda x, y: x <= 38,
    "right": lambda x, y: x >= 52,
    "top": lambda x, y: y <= 38,
    "bottom": lambda x, y: y >= 52,
    "center": lambda x, y: 30 <= x <= 60 and 25 <= y <= 65,
}


def scene_of(text: str) -> Scene:
    """`cat=red@on the left; dog@in the center; /park` as a scene."""
    things, place = [], ""
    for part in text.split(";"):
        part = part.strip()
        if part.startswith("/"):
            place = part[1:]
            continue
        name, _, location = part.partition("@")
        noun, _, color = name.partition("=")
        things.append(Thing(noun, color=color, spot=Spot(location)))
    return Scene(tuple(things), place=place)


# ---- what is there


def _pattern(noun: str) -> str:
    forms = {form for word in noun.split("|") for form in (word, nouns.plural(word))}
    return rf"\b(?:{'|'.join(map(re.escape, sorted(forms, key=len, reverse=True)))})\b"


def regions_of(canvas: Canvas, noun: str) -> list[Region]:
    """Regions that name it; where the first noun of a description is it, only those."""
    found = [r for r in canvas.regions if re.search(_pattern(noun), r.description.lower())]
    heads = [
        r
        for r in found
        if re.search(_pattern(noun), re.split(r",| with | in | on | of | and ", r.description.lower())[0])
    ]
    return heads or found


def _count(region: Region, noun: str) -> int:
    """How many the description says; 0 where it gives no number."""
    before = re.split(_pattern(noun), region.description.lower())[0]
    said = [_NUMBERS[word] for word in re.findall(r"\w+", before) if word in _NUMBERS]
    return said[-1] if said else 0


def _texts(canvas: Canvas) -> str:
    parts = [canvas.global_description, *canvas.detailed_descriptions, canvas.tags]
    for region in canvas.regions:
        parts += [region.description, *region.detailed_descriptions, region.tags, region.atmosphere, region.style]
    return " ".join(parts).lower()


def _things(before: Canvas | None, canvas: Canvas, wanted: list[str]) -> Iterator[str]:
    for text in wanted:
        match = re.fullmatch(r"(?:(\d) )?([^=]+)(?:=(.+))?", text)
        assert match
        number, noun, color = match.groups()
        found = regions_of(canvas, noun)
        if not found:
            yield f"no {noun}"
        elif number and sum(_count(region, noun) for region in found) != int(number):
            yield f"not {number} {noun}"
        elif color and not all(word in found[0].description.lower() for word in color.split("+")):
            yield f"{noun} not {color}"


def _where(before: Canvas | None, canvas: Canvas, wanted: dict[str, str]) -> Iterator[str]:
    for noun, sides in wanted.items():
        if not any(all(_SIDES[side](*centre(r.box)) for side in sides.split()) for r in regions_of(canvas, noun)):
            yield f"{noun} not {sides}"


def _relations(before: Canvas | None, canvas: Canvas, wanted: list[list[str]]) -> Iterator[str]:
    for a, relation, b in wanted:
        pairs = product(regions_of(canvas, a), regions_of(canvas, b))
        if not any(x is not y and RELATIONS[relation](x, y) for x, y in pairs):
            yield f"{a} not {relation} {b}"


def _says(before: Canvas | None, canvas: Canvas, wanted: list[str]) -> Iterator[str]:
    text = _texts(canvas)
    yield from (f"does not say {word}" for word in wanted if word not in text)


def _absent(before: Canvas | None, canvas: Canvas, wanted: list[str]) -> Iterator[str]:
    text = _texts(canvas)
    yield from (f"says {word}" for word in wanted if re.search(_pattern(word), text))


# ---- what an edit changed


def _kept(before: Canvas | None, canvas: Canvas, wanted: list[str]) -> Iterator[str]:
    def looks(shown: Canvas | None, noun: str) -> list[object]:
        found = regions_of(shown, noun) if shown else []
        return [(r.box, r.distance_to_viewer, r.description, r.HTML_web_color_name) for r in found]

    yield from (f"HARM: {noun} changed" for noun in wanted if looks(before, noun) != looks(canvas, noun))


def _kept_boxes(before: Canvas | None, canvas: Canvas, wanted: list[str]) -> Iterator[str]:
    yield from (f"HARM: {noun} moved" for noun in wanted if _boxes(before, noun) != _boxes(canvas, noun))


def _boxes(canvas: Canvas | None, noun: str) -> list[object]:
    return [region.box for region in regions_of(canvas, noun)] if canvas else []


def _swapped(before: Canvas | None, canvas: Canvas, wanted: list[str]) -> Iterator[str]:
    a, b = wanted
    if _boxes(before, a) != _boxes(canvas, b) or _boxes(before, b) != _boxes(canvas, a):
        yield "not swapped"


def _total(before: Canvas | None, canvas: Canvas, wanted: list[Any]) -> Iterator[str]:
    noun, number = wanted
    if sum(_count(region, noun) for region in regions_of(canvas, noun)) != number:
        yield f"not {number} {noun} in all"


def _plural(before: Canvas | None, canvas: Canvas, wanted: list[str]) -> Iterator[str]:
    for noun in wanted:
        found = regions_of(canvas, noun)
        if len(found) < 2 and not any(nouns.plural(noun) in region.description.lower() for region in found):
            yield f"not several {noun}"


def _changed(name: str, holds: Callable[[Region, Region], bool]) -> Check:
    def check(before: Canvas | None, canvas: Canvas, wanted: list[str]) -> Iterator[str]:
        for noun in wanted:
            old, new = regions_of(before, noun) if before else [], regions_of(canvas, noun)
            if not old or not new or not holds(old[0], new[0]):
                yield f"{noun} not {name}"

    return check


CHECKS: dict[str, Check] = {
    "things": _things,
    "where": _where,
    "relations": _relations,
    "says": _says,
    "absent": _absent,
    "unsaid": _absent,
    "kept": _kept,
    "kept_boxes": _kept_boxes,
    "swapped": _swapped,
    "total": _total,
    "plural": _plural,
    "bigger": _changed("bigger", lambda old, new: new.box.cells > old.box.cells),
    "smaller": _changed("smaller", lambda old, new: new.box.cells < old.box.cells),
    "down": _changed("lower", lambda old, new: centre(new.box)[1] > centre(old.box)[1]),
    "right": _changed("farther right", lambda old, new: centre(new.box)[0] > centre(old.box)[0]),
}


def faults(case: dict[str, Any], answer: str) -> list[str]:
    """What is wrong with the answer, in words; a fault that begins with HARM changed what nobody spoke of."""
    reading = read_canvas(answer)
    if case["kind"] == "talk":
        return ["painted"] if reading.canvas else [] if answer.strip() else ["said nothing"]
    if reading.status != "accept" or reading.canvas is None:
        return [f"HARM: {reading.status}"]
    before = read_canvas(program(scene_of(case["start"]))).canvas if "start" in case else None
    found = [
        fault for key, check in CHECKS.items() if key in case for fault in check(before, reading.canvas, case[key])
    ]
    boxes = [(region.box, region.distance_to_viewer) for region in reading.canvas.regions]
    return [*found, *(["one place for two"] if len(set(boxes)) < len(boxes) and case["kind"] != "edit" else [])]


def conversation_of(case: dict[str, Any]) -> list[Message]:
    said: list[Message] = [{"role": "user", "content": case["text"]}]
    if "start" not in case:
        return said
    scene = scene_of(case["start"])
    first = " and ".join(f"{thing.phrase} {thing.spot.location}" for thing in scene.things)
    opening = f"{first} in a {scene.place}" if scene.place else first
    return [{"role": "user", "content": opening}, {"role": "assistant", "content": program(scene)}, *said]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--answers", type=Path, help="file to write all answers to")
    parser.add_argument("--every", type=int, default=1, help="ask only every n-th of the set")
    parser.add_argument("--long", action="store_true", help="an adapter that writes the long layout")
    parser.add_argument("--echo", type=float, default=0.0, help="bonus of the request's words inside texts")
    parser.add_argument("--free", action="store_true", help="no region is forced for what the request names")
    parser.add_argument("--kinds", default="new,caption,edit,talk")
    args = parser.parse_args()
    cases = [json.loads(line) for line in SET.read_text(encoding="utf-8").splitlines()][:: args.every]
    cases = [case for case in cases if case["kind"] in args.kinds.split(",")]
    ask = asker(args.adapter, not args.long, args.echo, covers=not (args.long or args.free))
    shares: dict[str, list[bool]] = defaultdict(list)
    for case in cases:
        begin = time.monotonic()
        answer, tokens = ask(conversation_of(case))
        wrong = faults(case, answer)
        shares[case["kind"]].append(not wrong)
        if case["kind"] == "edit":
            shares["harmful"].append(any(fault.startswith("HARM") for fault in wrong))
        verdict = "; ".join(wrong) or "right"
        print(
            f"{case['kind']:8} {time.monotonic() - begin:5.1f} s {tokens:4} tokens  {verdict}  | {case['text']!r}",
            flush=True,
        )
        if args.answers:
            with open(args.answers, "a", encoding="utf-8") as file:
                file.write(f"### {case['kind']} {verdict}: {case.get('start', '')} | {case['text']}\n{answer}\n\n")
    print(json.dumps({kind: round(sum(found) / len(found), 3) for kind, found in shares.items()}))


def asker(
    adapter: Path, is_brief: bool, echo: float, *, covers: bool
) -> Callable[[Sequence[Message]], tuple[str, int]]:
    import torch

    from lib_omost.composer import load_local
    from lib_omost.runtime import catalog
    from lib_omost.runtime.device import use_threads

    entry = catalog.llm("default")
    use_threads(torch.device("cpu"), 0)
    dtype = torch.float32  # in bf16 a CPU without instructions for it is ten times slower
    profile = replace(entry.profile, brief=is_brief, prose=entry.profile.prose or is_brief, echo=echo, covers=covers)
    composer = load_local(catalog.locate(entry), profile=profile, adapter=adapter, dtype=dtype, device="cpu")
    greedy, never = ComposeSettings(temperature=0.0, max_new_tokens=1800), threading.Event()

    def ask(messages: Sequence[Message]) -> tuple[str, int]:
        answer = "".join(composer.stream(messages, greedy, never))
        return answer, composer.stats.new_tokens

    return ask


if __name__ == "__main__":
    main()
