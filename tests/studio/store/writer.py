"""Writes pictures and turns until it is killed: a process of its own for the tests. Argument: its folder."""

from __future__ import annotations

import itertools
import json
import sys
from functools import partial
from pathlib import Path

from lib_omost.studio.store.images import new_path
from lib_omost.studio.store.pictures import Pictures
from lib_omost.studio.store.sessions import Sessions, Turn


def main(folder: Path) -> None:
    sessions, pictures = Sessions(folder / "sessions.sqlite"), Pictures(folder / "pictures")
    png = (folder / "one.png").read_bytes()
    session = sessions.create("ann")
    sys.stdout.write("writing\n")
    sys.stdout.flush()
    for number in itertools.count():
        turn = Turn("user", _text(number, 1))
        sessions.add_turns(session, turn)
        for length in (5, 50, 500):
            sessions.change_turn(session, Turn("user", _text(number, length), id=turn.id))
        path = new_path(pictures.folder)
        pictures.keep(session, path, png, partial(sessions.add_picture, session, "code", {}, str(path)))
        if number % 3 == 2:
            sessions.cut_turns(session, turn)


def _text(number: int, length: int) -> str:
    return json.dumps({"number": number, "text": "x" * 100 * length, "end": "end"})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
