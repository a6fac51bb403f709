"""Every bound on what comes from outside, at the bound and one beyond it: reader, PNG, ZIP, editor, chat and API.

Settings have theirs in tests/test_settings_table.py, which makes them from the table itself.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from lib_omost.canvas import Canvas, read_canvas, read_program
from lib_omost.canvas.reader import notes as bounds
from lib_omost.canvas.reader.salvage import MAX_ARGUMENTS
from lib_omost.errors import CanvasError, SettingsError, StorageError
from lib_omost.renderer import RenderSettings
from lib_omost.studio import api, conversation
from lib_omost.studio.plan import MAX_STRENGTH, Plan, apply_edit
from lib_omost.studio.store import archive, images
from lib_omost.studio.store.sessions import Sessions, Turn

PLACE = "location='on the left', offset='no offset', area='a small square area', distance_to_viewer=1.0"
HEAD = "canvas = Canvas()\ncanvas.set_global_description('A meadow.', [], 'meadow', 'green')\n"


def region(**more: str) -> str:
    fields = {"description": "'A cat.'", "detailed_descriptions": "[]", "tags": "''", "atmosphere": "''"}
    fields |= {"style": "''", "quality_meta": "''", "HTML_web_color_name": "'red'"}
    return f"canvas.add_local_description({PLACE}, {', '.join(f'{k}={v}' for k, v in (fields | more).items())})\n"


def texts(count: int) -> str:
    return "[" + ", ".join(f"'detail {n}'" for n in range(count)) + "]"


def nested(depth: int) -> str:
    """A call whose brackets are `depth` deep, the call's own included."""
    return region(detailed_descriptions="[" * (depth - 1) + "'a'" + "]" * (depth - 1))


def filled(program: str, size: int) -> str:
    """`program` with a comment in front that makes it `size` characters long."""
    line = "# " + "x" * 97 + "\n"
    lines, rest = divmod(size - len(program), len(line))
    return ("#" + "x" * (rest - 2) + "\n" if rest > 1 else "\n" * rest) + line * lines + program


def long_statement(size: int) -> str:
    """A call of `size` characters and a closing line, on lines of which each is short."""
    call = region(tags="'x'").rstrip("\n")[:-1]
    line = "\n    # " + "y" * 93
    lines, rest = divmod(size - len(call) - 1, len(line))
    return call + line * lines + ("\n" + " " * (rest - 1) if rest else "") + "\n)\n"


def unknown_arguments(count: int) -> str:
    """A call with `count` arguments besides its eleven, none of which is known."""
    return region().rstrip(")\n") + "".join(f", qq{n}=1" for n in range(count)) + ")\n"


READER: dict[str, tuple[int, Callable[[int], str], str]] = {
    "characters of a text": (bounds.MAX_TEXT, lambda n: filled(HEAD + region(), n), "is longer than"),
    "characters of a statement": (bounds.MAX_STATEMENT, lambda n: HEAD + long_statement(n), ""),
    "characters of a line": (
        bounds.MAX_STATEMENT,
        lambda n: HEAD + region().rstrip("\n").ljust(n - 1) + "\n",
        "line is longer than",
    ),
    "separators of a statement": (
        bounds.MAX_SEPARATORS,
        lambda n: HEAD + region(tags="'" + "," * (n - region().count(",")) + "'"),
        "",
    ),
    "depth of brackets": (bounds.MAX_DEPTH, lambda n: HEAD + nested(n), "nested more than"),
    "statements": (bounds.MAX_STATEMENTS, lambda n: HEAD + region() + "pass\n" * (n - 3), "statements"),
    "regions": (bounds.MAX_REGIONS, lambda n: HEAD + region() * n, "regions"),
    "items of a list": (bounds.MAX_ITEMS, lambda n: HEAD + region(detailed_descriptions=texts(n)), "more than"),
    "texts joined by +": (
        bounds.MAX_TERMS + 1,
        lambda n: HEAD + region(tags=" + ".join(["'a'"] * n)),
        "at most",
    ),
    "characters of one text": (bounds.MAX_CHARACTERS, lambda n: HEAD + region(tags=f"'{'a' * n}'"), "was cut"),
    "arguments of a call": (MAX_ARGUMENTS - 11, lambda n: HEAD + unknown_arguments(n), ""),
}
#: Bounds that keep work small without a word: what is beyond them shows in the reading, not in a note of their own.
SILENT = {"characters of a statement", "separators of a statement"}


@pytest.fixture
def canvas() -> Canvas:
    found = read_program(HEAD + region()).canvas
    assert found is not None
    return found


@pytest.mark.parametrize("what", READER)
def test_the_reader_takes_what_is_at_a_bound_and_says_what_is_beyond(what: str) -> None:
    most, program, word = READER[what]
    below, at, beyond = (read_program(program(count)) for count in (most - 1, most, most + 1))
    assert at.canvas is not None
    if what == "arguments of a call":  # those beyond are not looked at
        assert below.notes != at.notes == beyond.notes
    elif what in SILENT:
        assert below.status == at.status != beyond.status
    else:
        assert not any(word in note.message for note in at.notes if note.code != "argument")
        assert any(word in note.message for note in beyond.notes)


def test_the_reader_says_no_more_than_so_many_remarks() -> None:
    reading = read_canvas(HEAD + region() + "import os\n" * (bounds.MAX_STATEMENTS - 10), strict=True)
    assert len(reading.notes) == bounds.MAX_NOTES
    assert "the rest is left out" in " ".join(note.message for note in reading.notes)


def png(path: Path, canvas: Canvas, *, size: tuple[int, int] = (8, 8), code: str = "") -> Path:
    return images.save_png(Image.new("RGB", size), path, canvas, RenderSettings(width=64, height=64), code=code)


def test_a_png_of_the_most_pixels_is_read_and_one_of_more_is_not(tmp_path: Path, canvas: Canvas) -> None:
    side = 4096
    assert side * side == images.MAX_PIXELS
    images.read_png(png(tmp_path / "at.png", canvas, size=(side, side)))
    with pytest.raises(StorageError, match="pixels"):
        images.read_png(png(tmp_path / "beyond.png", canvas, size=(side, side + 1)))


def test_a_png_file_of_the_most_bytes_is_read_and_one_of_more_is_not(tmp_path: Path, canvas: Canvas) -> None:
    path = png(tmp_path / "a.png", canvas)
    with path.open("ab") as file:  # what follows the last chunk of a PNG is not looked at
        file.truncate(images.MAX_FILE_BYTES)
    images.read_png(path)
    with path.open("ab") as file:
        file.truncate(images.MAX_FILE_BYTES + 1)
    with pytest.raises(StorageError, match="larger than"):
        images.read_png(path)


def test_a_png_with_the_most_data_is_read_and_one_with_more_is_not(tmp_path: Path, canvas: Canvas) -> None:
    record = {"format": images.FORMAT, "code": canvas.to_code(), "settings": {}, "model": "", "padding": ""}

    def written(size: int) -> Path:
        room = size - len(json.dumps(record))
        info = PngImagePlugin.PngInfo()
        info.add_itxt(images.CHUNK, json.dumps(record | {"padding": "x" * room}))
        Image.new("RGB", (8, 8)).save(tmp_path / f"{size}.png", pnginfo=info)
        return tmp_path / f"{size}.png"

    images.read_png(written(images.MAX_CHUNK_CHARS))
    with pytest.raises(StorageError, match="at most"):
        images.read_png(written(images.MAX_CHUNK_CHARS + 1))


def zipped(path: Path, record: dict[str, Any], members: dict[str, bytes | Path] | None = None, size: int = 0) -> Path:
    """A session file; `size`: characters of its record. Nothing in it is packed, so that no bound but one is met."""
    text = json.dumps(record)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(archive.RECORD, text + " " * max(0, size - len(text)))
        for name, content in (members or {}).items():
            file.writestr(name, content.read_bytes() if isinstance(content, Path) else content)
    return path


@pytest.fixture
def take(tmp_path: Path) -> Callable[[Path], tuple[Sessions, str]]:
    """Imports a file; gives the store and the new session."""
    sessions = Sessions(tmp_path / "store" / "sessions.sqlite")
    return lambda path: (sessions, archive.import_session(sessions, "bob", path, tmp_path / "new"))


def test_a_zip_with_the_longest_record_is_read_and_one_with_a_longer_is_not(tmp_path: Path, take: Any) -> None:
    empty: dict[str, Any] = {"turns": [], "pictures": []}
    take(zipped(tmp_path / "at.zip", empty, size=archive.MAX_RECORD_BYTES))
    with pytest.raises(StorageError, match="too large"):
        take(zipped(tmp_path / "beyond.zip", empty, size=archive.MAX_RECORD_BYTES + 1))


def test_a_zip_with_a_picture_of_more_bytes_than_a_picture_has_is_refused(
    tmp_path: Path, take: Any, canvas: Canvas
) -> None:
    record = {"turns": [], "pictures": ["a.png"]}
    good = png(tmp_path / "a.png", canvas).read_bytes()
    take(zipped(tmp_path / "at.zip", record, {"a.png": good.ljust(archive.MAX_FILE_BYTES, b"\0")}))
    with pytest.raises(StorageError, match="too large"):
        take(zipped(tmp_path / "beyond.zip", record, {"a.png": good.ljust(archive.MAX_FILE_BYTES + 1, b"\0")}))


def test_a_zip_of_more_pictures_than_a_session_holds_is_refused(tmp_path: Path, take: Any, canvas: Canvas) -> None:
    names = [f"{number}.png" for number in range(archive.MAX_PICTURES + 1)]
    with pytest.raises(StorageError, match="more than"):
        take(zipped(tmp_path / "beyond.zip", {"turns": [], "pictures": names}, dict.fromkeys(names, b"")))


def test_a_zip_that_lists_a_picture_twice_is_refused_and_nothing_of_it_is_written(
    tmp_path: Path, take: Any, canvas: Canvas
) -> None:
    record = {"turns": [], "pictures": ["a.png", "a.png"]}
    with pytest.raises(StorageError, match="lists a picture twice"):
        take(zipped(tmp_path / "a.zip", record, {"a.png": png(tmp_path / "a.png", canvas)}))
    assert not (tmp_path / "new").exists()


def test_a_zip_has_as_many_turns_as_a_chat_holds_and_its_pictures(tmp_path: Path, take: Any, canvas: Canvas) -> None:
    turn, shown = {"role": "user", "text": "x", "picture": ""}, {"role": "assistant", "text": "", "picture": "a.png"}
    picture = {"a.png": png(tmp_path / "a.png", canvas)}
    turns = [turn] * (conversation.MAX_TURNS + 1) + [shown]
    sessions, session = take(zipped(tmp_path / "at.zip", {"turns": turns, "pictures": ["a.png"]}, picture))
    assert len(sessions.turns(session)) == len(turns)
    with pytest.raises(StorageError, match="turns; a chat holds 200"):
        take(zipped(tmp_path / "beyond.zip", {"turns": [*turns, shown], "pictures": ["a.png"]}, picture))


def test_a_small_zip_that_unpacks_to_much_is_refused_before_it_is(tmp_path: Path, take: Any) -> None:
    def packed(size: int) -> Path:
        path = tmp_path / f"{size}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(archive.RECORD, '{"turns": [], "pictures": []}'.ljust(size))
        return path

    room = archive.SMALL_BYTES + archive.MAX_RATIO * packed(archive.SMALL_BYTES).stat().st_size
    take(packed(room))
    with pytest.raises(StorageError, match="more than 50 times its size"):
        take(packed(room + 20_000))


@pytest.mark.parametrize("text", ["canvas.add_local_description(", "Well, ", "```python\n", "("])
def test_a_zip_of_10_kb_costs_less_than_a_second_whenever_its_chat_is_opened(
    tmp_path: Path, take: Any, text: str
) -> None:
    """The most turns, without a canvas, as long as the ratio lets them be: each is read to find the newest plan."""
    length = (archive.SMALL_BYTES + archive.MAX_RATIO * 10_000) // conversation.MAX_TURNS - 60
    texts = [(f"{number} {text * length}")[:length] for number in range(conversation.MAX_TURNS)]
    turns = [{"role": "assistant", "text": text, "picture": ""} for text in texts]
    record = {"turns": turns, "pictures": []}
    sessions, session = take(zipped(tmp_path / "a.zip", record))
    start = time.process_time()
    chat = conversation.Chats(sessions).open(session)
    assert chat.newest is None and chat.latest is not None
    conversation.bubbles(chat.turns)
    assert time.process_time() - start < 1


def test_settings_of_a_zip_are_taken_up_to_a_size(tmp_path: Path, take: Any) -> None:
    def kept(size: int) -> dict[str, Any]:
        settings = {"steps": 9, "x": "y" * (size - len(json.dumps({"steps": 9, "x": ""})))}
        sessions, session = take(zipped(tmp_path / f"{size}.zip", {"turns": [], "pictures": [], "settings": settings}))
        return dict(sessions.settings(session))

    assert kept(archive.MAX_SETTINGS_BYTES) and not kept(archive.MAX_SETTINGS_BYTES + 1)


def test_a_turn_of_a_zip_is_cut_where_a_reply_is(tmp_path: Path, take: Any) -> None:
    turn = {"role": "user", "text": "x" * (conversation.MAX_REPLY + 1), "picture": ""}
    sessions, session = take(zipped(tmp_path / "a.zip", {"turns": [turn], "pictures": []}))
    assert len(sessions.turns(session)[0].text) == conversation.MAX_REPLY


def editor(**more: Any) -> dict[str, Any]:
    box = {"id": "r0", "box": [0, 0, 30, 30], "depth": 1.0, "color": "#ff0000", "strength": 1.0, "details": []}
    return box | {"description": "A cat.", "tags": "", "atmosphere": "", "style": "", "quality": ""} | {
        "name": "", "negative": "", **more,
    }  # fmt: skip


def edit(*regions: dict[str, Any]) -> Plan:
    return apply_edit(Plan(), {"regions": list(regions), "whole": None})


@pytest.mark.parametrize(
    ("at", "beyond"),
    [
        ({"strength": MAX_STRENGTH}, {"strength": MAX_STRENGTH + 0.1}),
        ({"strength": 0}, {"strength": -0.1}),
        ({"tags": "x" * bounds.MAX_CHARACTERS}, {"tags": "x" * (bounds.MAX_CHARACTERS + 1)}),
        ({"details": ["x"] * bounds.MAX_REGIONS}, {"details": ["x"] * (bounds.MAX_REGIONS + 1)}),
        ({"box": [0, 0, 90, 90]}, {"box": [0, 0, 91, 90]}),
        ({"box": [0, 0, 1, 1]}, {"box": [0, 0, 0, 1]}),
        ({"depth": 1e6}, {"depth": float("inf")}),
        ({"depth": 0.001}, {"depth": 0}),
        ({"color": "#0a0b0c"}, {"color": "#0a0b0c0"}),
    ],
)
def test_the_editor_takes_a_value_at_its_bound_and_refuses_one_beyond(at: Any, beyond: Any) -> None:
    assert edit(editor(**at)).code
    with pytest.raises(CanvasError):
        edit(editor(**beyond))


def test_the_editor_takes_so_many_regions_and_no_more() -> None:
    many = [editor(id=f"n{n}") for n in range(bounds.MAX_REGIONS + 1)]
    assert len(edit(*many[:-1]).ids) == bounds.MAX_REGIONS
    with pytest.raises(CanvasError, match="at most"):
        edit(*many)


def test_a_message_and_a_chat_have_an_end() -> None:
    said = conversation.said((), "x" * conversation.MAX_MESSAGE)
    assert len(said) == 1
    with pytest.raises(SettingsError, match="at most"):
        conversation.said((), "x" * (conversation.MAX_MESSAGE + 1))
    turns = (Turn("user", "x"),) * conversation.MAX_TURNS
    conversation.said(turns[1:], "x")
    with pytest.raises(SettingsError, match="the most it can hold"):
        conversation.said(turns, "x")


def test_an_edited_reply_and_a_text_of_the_api_have_an_end(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "sessions.sqlite")
    session, chats = sessions.create("ann"), conversation.Chats(sessions)
    sessions.set_turns(session, (Turn("user", "x"), Turn("assistant", "y")))
    chats.edit(session, 1, "x" * conversation.MAX_REPLY)
    with pytest.raises(SettingsError, match="at most"):
        chats.edit(session, 1, "x" * (conversation.MAX_REPLY + 1))
    api.reading_record("x" * conversation.MAX_REPLY, False)
    with pytest.raises(SettingsError, match="at most"):
        api.reading_record("x" * (conversation.MAX_REPLY + 1), False)
