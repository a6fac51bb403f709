"""Logins: a file of users with hashed passwords, or one user from an option, a file or the environment."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from lib_omost import atomic
from lib_omost.errors import SettingsError, StorageError

VARIABLE = "OMOST_AUTH"
#: OWASP's equal of 2**17 x 1 with less memory: 32 MiB and about a third of a second for a try.
COST = {"n": 2**15, "r": 8, "p": 3}
MOST_MEMORY = 2**26
SHORTEST, LONGEST = 8, 1000  # characters of a password
LONGEST_NAME = 60
Check = Callable[[str, str], Coroutine[Any, Any, bool]]


class Users:
    """The users in a file. It is read anew at each login, so that a change counts without a new start."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._one_at_a_time = asyncio.Semaphore(1)  # a try takes memory
        self._marks: tuple[tuple[int, ...], dict[str, str]] = ((), {})  # of the file as it was then

    def names(self) -> list[str]:
        """Raises StorageError for a file that is not there or no file of users."""
        return sorted(self._read())

    def operator(self, name: str) -> bool:
        """Whether this user may choose the models of the page."""
        try:
            return self._read().get(name, {}).get("operator") is True
        except StorageError:
            return False

    def mark(self, name: str) -> str:
        """Another one for each password of a user; "" for who is no user, or while the file cannot be read."""
        try:
            state = self.file.stat()
            seen = (state.st_mtime_ns, state.st_size, state.st_ino)
            if seen != self._marks[0]:
                self._marks = (seen, {user: str(known["hash"]) for user, known in self._read().items()})
        except (OSError, StorageError, KeyError, TypeError):
            return ""
        return self._marks[1].get(name, "")

    def add(self, name: str, password: str, *, operator: bool = False) -> None:
        """A new user, or a new password for one who is there. Raises SettingsError, StorageError."""
        if name != name.strip() or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise SettingsError(
                f"{name!r} is no name for a user: at most {LONGEST_NAME} letters, no spaces around them."
            )
        if not SHORTEST <= len(password) <= LONGEST:
            raise SettingsError(f"A password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}.")
        known = self._read() if self.file.exists() else {}
        salt = secrets.token_bytes(16)
        hashed = _hash(password, salt, COST)
        known[name] = {**COST, "salt": _text(salt), "hash": _text(hashed), "operator": operator}
        self._write(known)

    def remove(self, name: str) -> None:
        """Raises SettingsError where there is no such user."""
        known = self._read()
        if known.pop(name, None) is None:
            raise SettingsError(f"There is no user {name!r}; there are: {', '.join(sorted(known)) or 'none'}.")
        self._write(known)

    async def check(self, name: str, password: str) -> bool:
        """Whether it is this user's password. Takes as long for a name that is not there."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._right, name, password[: LONGEST + 1])

    def _right(self, name: str, password: str) -> bool:
        try:
            user = self._read().get(name)
        except StorageError:
            return False
        if user is None:
            _hash(password, b"nobody", COST)
            return False
        cost = {key: int(user[key]) for key in COST}
        return hmac.compare_digest(_hash(password, _bytes(user["salt"]), cost), _bytes(user["hash"]))

    def _read(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.file.read_text(encoding="utf-8"))["users"])
        except FileNotFoundError as error:
            raise StorageError(f"There is no file {self.file}; `omost users add NAME` makes it.") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(f"{self.file} cannot be read as a file of users ({error}).") from error

    def _write(self, known: dict[str, Any]) -> None:
        content = json.dumps({"format": 1, "users": known}, indent=2, ensure_ascii=False) + "\n"
        try:
            atomic.write_bytes(self.file, content.encode(), durable=True, mode=0o600)
        except OSError as error:
            raise StorageError(f"{self.file} cannot be written: {error.strerror}.") from error


def one_login(option: str | None) -> tuple[str, str] | None:
    """User and password of `--auth`: USER:PASSWORD, @FILE that holds it, or OMOST_AUTH. Raises SettingsError."""
    text, source = option or os.environ.get(VARIABLE, ""), "--auth" if option else VARIABLE
    if option and option.startswith("@"):
        source = option[1:]
        try:
            text = Path(source).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{source}, which --auth names, cannot be read: {error}.") from error
    if not text:
        return None
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise SettingsError(f"{source} wants USER:PASSWORD.")
    return user, password


def _hash(password: str, salt: bytes, cost: dict[str, int]) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, maxmem=MOST_MEMORY, dklen=32, **cost)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
