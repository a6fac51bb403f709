"""Logins that end: gradio keeps each one's token until it is started anew, whatever becomes of the user."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping

Mark = Callable[[str], str]


class Logins:
    """`tokens`: gradio's own, a user's name each. `mark`: of a user, "" for one who may not log in any more; a login
    ends when the mark is another one than at its first call.
    """

    def __init__(self, tokens: MutableMapping[str, str], mark: Mark) -> None:
        self._tokens, self._mark = tokens, mark
        self._marks: dict[str, str] = {}

    def user(self, token: str) -> str:
        """Who has logged in with this token, "" for nobody. A login that has ended is unknown to gradio too then."""
        name = self._tokens.get(token)
        if name is None:
            self._marks.pop(token, None)
            return ""
        mark = self._mark(name)
        if mark and self._marks.setdefault(token, mark) == mark:
            return name
        self._marks.pop(token, None)
        self._tokens.pop(token, None)
        return ""
