"""A session as one zip file: its chat and settings as JSON, its pictures as PNG. Reading one believes nothing that it
says. Its history stays at home: who passes a session on passes on what it shows, not what was taken back.
"""

from __future__ import annotations

import json
import re
import secrets
import zipfile
import zlib
from dataclasses import asdict, replace
from pathlib import Path

from lib_omost.characters import whole_data
from lib_omost.errors import CanvasError, StorageError
from lib_omost.studio.conversation import MAX_REPLY, MAX_TURNS
from lib_omost.studio.limits import usable
from lib_omost.studio.reply_stats import taken
from lib_omost.studio.store.images import MAX_FILE_BYTES, read_pixels, read_png, write_png
from lib_omost.studio.store.pictures import IMPORTED
from lib_omost.studio.store.sessions import NEW_NAME, Data, Sessions, Turn

RECORD = "session.json"
#: What a damaged or forged zip file makes the libraries raise.
UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, EOFError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
MAX_PICTURES = 5000
MAX_RECORD_BYTES = 8 * 2**20
MAX_SETTINGS_BYTES = 2**14
MAX_BYTES = 2**30  # of all pictures; no larger file is uploaded
#: What a file unpacks to is in proportion to it, so that a small one costs little: pictures do not get smaller in a zip
#: file, and we write the record as it is (older files packed it, to a tenth).
MAX_RATIO, SMALL_BYTES = 50, 2**18


def export_session(sessions: Sessions, session: str, folder: Path) -> Path:
    """Writes the session to a file of `folder` that is named after it; returns its path."""
    turns, renders, name = sessions.turns(session), sessions.renders(session), sessions.name(session)
    there = {render.picture for render in renders if Path(render.picture).is_file()}
    record = {
        "format": 1,
        "name": name,
        "settings": sessions.settings(session),
        "turns": [
            {"role": turn.role, "text": turn.text, "picture": _name(turn.picture, there), "about": turn.about}
            for turn in turns
        ],
        "pictures": [Path(render.picture).name for render in reversed(renders) if render.picture in there],
    }
    plain = re.sub(r"[^\w-]+", "-", name).strip("-")[:40] or "session"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"omost-{plain}.zip"
    try:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(RECORD, json.dumps(record, ensure_ascii=False))
            for picture in sorted(there):
                archive.write(picture, Path(picture).name)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageError(f"cannot write the session file: {error.strerror or error}; free some space") from error
    return path


def import_session(sessions: Sessions, owner: str, path: Path, folder: Path) -> str:
    """A new session of `owner` with what the file holds; its pictures go to `folder` under new names. Raises
    StorageError.
    """
    pictures: dict[str, Path] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            _check_ratio(archive, path)
            record = whole_data(json.loads(_member(archive, RECORD, MAX_RECORD_BYTES)))
            name, settings = str(record.get("name", NEW_NAME)), _settings(record.get("settings"))
            names = _names(archive, record["pictures"])
            turns = [_turn(found) for found in _few(record["turns"], names)]
            for picture in names:
                pictures[picture] = _unpack(archive, picture, folder)
    except (*UNREADABLE, StorageError) as error:
        for unpacked in pictures.values():
            unpacked.unlink(missing_ok=True)
        if isinstance(error, StorageError):
            raise
        raise StorageError(
            f"This file cannot be read as a session ({error}). Choose a .zip file that “Export as a file” made."
        ) from error
    session = sessions.create(owner)
    sessions.rename(session, name)
    sessions.set_settings(session, settings)
    sessions.set_turns(session, _with_pictures(turns, pictures))
    for unpacked in pictures.values():
        saved = read_png(unpacked)
        sessions.add_render(session, saved.code, asdict(saved.settings), str(unpacked))
    return session


def _names(archive: zipfile.ZipFile, pictures: list[object]) -> list[str]:
    names = [str(name) for name in pictures]
    if len(set(names)) < len(names):
        raise ValueError("it lists a picture twice")
    if len(names) > MAX_PICTURES or sum(archive.getinfo(name).file_size for name in names) > MAX_BYTES:
        raise ValueError(f"it holds more than {MAX_PICTURES} pictures or {MAX_BYTES >> 30} GiB")
    return names


def _check_ratio(archive: zipfile.ZipFile, path: Path) -> None:
    unpacked, packed = sum(member.file_size for member in archive.infolist()), path.stat().st_size
    if unpacked > SMALL_BYTES + MAX_RATIO * packed:
        raise ValueError(f"it unpacks to more than {MAX_RATIO} times its size")


def _few(turns: list[Data], pictures: list[str]) -> list[Data]:
    """The turns, if they are no more than a chat holds: its messages and replies, and each picture once."""
    if len(turns) > MAX_TURNS + 1 + len(pictures):
        raise ValueError(f"it has {len(turns)} turns; a chat holds {MAX_TURNS}, and its pictures")
    return turns


def _settings(found: object) -> Data:
    """Those that the page can show."""
    small = isinstance(found, dict) and len(json.dumps(found)) <= MAX_SETTINGS_BYTES
    return usable(found) if small else {}


def _with_pictures(turns: list[Turn], pictures: dict[str, Path]) -> list[Turn]:
    there = [turn for turn in turns if not turn.picture or turn.picture in pictures]
    return [replace(turn, picture=str(pictures[turn.picture]) if turn.picture else "") for turn in there]


def _turn(found: Data) -> Turn:
    role, text, picture = found["role"], found["text"], found["picture"]
    if role not in ("user", "assistant") or not isinstance(text, str) or not isinstance(picture, str):
        raise ValueError("not a turn")
    return Turn(role, text[:MAX_REPLY], picture, taken(found.get("about")))


def _unpack(archive: zipfile.ZipFile, name: str, folder: Path) -> Path:
    """One picture under a new name; kept only if it reads as one of ours."""
    path = folder / f"{IMPORTED}{secrets.token_hex(16)}.png"
    write_png(path, _member(archive, name, MAX_FILE_BYTES))
    try:
        read_png(path)
        read_pixels(path)
    except (StorageError, CanvasError) as error:
        path.unlink()
        raise ValueError(name) from error
    return path


def _member(archive: zipfile.ZipFile, name: str, limit_bytes: int) -> bytes:
    with archive.open(name) as file:
        data = file.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise ValueError(f"{name} is too large")
    return data


def _name(picture: str, there: set[str]) -> str:
    return Path(picture).name if picture in there else ""
