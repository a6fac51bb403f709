"""Errors of a language-model server in a sentence for a person, and its key: checked, and redacted from all of them.

openai is imported only when one of its errors is explained: a page that checks a key needs no client.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from lib_omost.errors import OmostError, RemoteError, SettingsError

if TYPE_CHECKING:
    import openai

MAX_KEY = 1000  # characters
MAX_QUOTED = 300  # characters of what the server says itself; a proxy may send a whole page


def checked_key(key: str | None, what: str = "This") -> str:
    """The key without the spaces around it. Raises SettingsError, which says what it was and does not repeat it."""
    key = (key or "").strip()
    if len(key) > MAX_KEY or not all("!" <= character <= "~" for character in key):
        raise SettingsError(
            f"{what} is not a key: one has only plain letters, digits and signs, with no space in it. Copy it again."
        )
    return key


def without_key(text: str, key: str) -> str:
    """`text`, which came from a server that may have echoed the key, as it is or as Python, JSON and URLs write it."""
    forms = {key, repr(key)[1:-1], json.dumps(key)[1:-1], quote(key, safe="")} - {""}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "(the key)")
    return text


@dataclass(frozen=True, slots=True)
class Failures:
    """Explains the failures of one server. `model` may be empty: the first that it offers."""

    where: str
    model: str
    key: str

    def explained(self, error: BaseException, silence_s: float) -> OmostError:
        """The sentence that `error` comes down to. `silence_s`: how long the server was waited for."""
        own = next((one for one in (error, error.__cause__) if isinstance(one, OmostError)), None)  # raised by a hook
        return own or RemoteError(self._sentence(error, silence_s))

    def silence(self, silence_s: float) -> RemoteError:
        return RemoteError(f"{self.where} said nothing for {silence_s:.0f} s. Is the model loaded, and the machine up?")

    def deadline(self, deadline_s: float) -> RemoteError:
        return RemoteError(
            f"{self.where} had not written the whole reply after {deadline_s:.0f} s, so it was let go. Ask again, for "
            "less, or give it more time (deadline_s)."
        )

    def broke_off(self, why: str = "") -> RemoteError:
        why = f" ({self._quoted(why)})" if why else ""
        return RemoteError(f"{self.where} broke off in the middle of its answer{why}. Try again.")

    def too_long(self, characters: int) -> RemoteError:
        return RemoteError(f"{self.where} wrote more than {characters} characters; the rest of its reply was cut off.")

    def not_a_server(self) -> RemoteError:
        return RemoteError(
            f"{self.where} does not answer as an OpenAI-compatible server does. Is this its address? Most end in /v1."
        )

    def _sentence(self, error: BaseException, silence_s: float) -> str:
        import openai

        match error:
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return (
                    f"{self.where} refused the key ({error.status_code}). Give another on the page or in "
                    "OPENAI_API_KEY, which goes only to the address in OPENAI_BASE_URL or after --llm."
                )
            case openai.NotFoundError():
                model = f"the model {self.model!r}" if self.model else "what it was asked for"
                return f"{self.where} does not know {model}, or is not an OpenAI-compatible address (404)."
            case openai.RateLimitError():
                return f"{self.where} takes no more requests now (429): wait, or look at your plan there."
            case openai.APIStatusError() if error.response.has_redirect_location:
                there = self._quoted(error.response.headers["location"])
                return (
                    f"{self.where} sends its callers elsewhere, to {there} ({error.status_code}). Nobody is followed, "
                    "so that a key stays where it was given: name that address itself, if you trust it."
                )
            case openai.APIStatusError():
                quoted = self._quoted(_message(error))
                return f"{self.where} failed with {error.status_code}{': ' if quoted else '.'}{quoted}"
            case openai.APITimeoutError() if type(error.__cause__).__name__ != "ConnectTimeout":
                return str(self.silence(silence_s))
            case openai.APIConnectionError():  # a time-out while connecting is one too
                return f"{self.where} cannot be reached. Is the server running, and is this its address?"
            case openai.APIError() if error.body:  # sent as a part of the stream
                return f"{self.where} failed while it answered: {self._quoted(_message(error))}"
            case _:
                return str(self.broke_off(str(error) or type(error).__name__))

    def _quoted(self, text: str) -> str:
        """The server's own text, on one line and without the key; nothing of a web page."""
        line = " ".join(without_key(text, self.key).split())
        if line.startswith("<"):
            return ""
        return line if len(line) <= MAX_QUOTED else f"{line[:MAX_QUOTED]}…"


def _message(error: openai.APIError) -> str:
    """The server's own words, where they are where most servers put them."""
    if isinstance(error.body, dict):
        return str(error.body.get("message") or error.message)
    return str(error.body or error.message)
