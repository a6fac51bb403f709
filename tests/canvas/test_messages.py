"""The messages, word for word, in messages.txt: programs and what a strict reading says about them.

After a deliberate change of wording: `python tests/canvas/test_messages.py` writes the file anew; read the difference.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lib_omost.canvas import read_canvas

GOLDEN = Path(__file__).with_name("messages.txt")
_BLOCK = re.compile(
    r"^=== (?P<name>[^\n]+)\n(?P<program>.*?)^--- notes\n(?P<notes>.*?)(?=^\n=== |\Z)", re.DOTALL | re.MULTILINE
)


def blocks() -> list[tuple[str, str, str]]:
    text = GOLDEN.read_text(encoding="utf-8")
    return [(found["name"], found["program"], found["notes"]) for found in _BLOCK.finditer(text)]


def said(program: str) -> str:
    notes = read_canvas(program.removesuffix("\n"), strict=True).notes
    return "".join(f"{n.line}:{n.column} {n.level} {n.code}: {n.message}\n" for n in notes)


@pytest.mark.parametrize(("name", "program", "notes"), blocks(), ids=[name for name, _, _ in blocks()])
def test_the_notes_on_a_program_are_those_of_the_golden_file(name: str, program: str, notes: str) -> None:
    assert said(program) == notes


def test_the_golden_file_has_at_least_thirty_different_messages() -> None:
    messages = {line.split(": ", 1)[1] for _, _, notes in blocks() for line in notes.splitlines()}
    assert len(messages) >= 30


@pytest.mark.parametrize("line", sorted({line for _, _, notes in blocks() for line in notes.splitlines()}))
def test_a_message_is_one_or_two_short_sentences_with_a_place(line: str) -> None:
    found = re.fullmatch(r"\d+:\d+ (info|repair|error) [a-z]+: (?P<message>.+)", line)
    assert found is not None
    assert len(found["message"]) <= 300 and found["message"][-1] == "."
    assert "Traceback" not in line and "Error" not in line and "None" not in line


if __name__ == "__main__":
    GOLDEN.write_text(
        "\n".join(f"=== {name}\n{program}--- notes\n{said(program)}" for name, program, _ in blocks()), encoding="utf-8"
    )
