"""How much a server may send: its answer is cut off before it fills the memory. Knows nothing of what it says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import openai

from lib_omost.errors import RemoteError

MAX_ANSWER_BYTES = 32 * 2**20  # the longest reply that is read, a few letters in each event, is about 20 MiB
#: httpx, or what openai has instead.
HTTP: Any = sys.modules[openai.DefaultHttpxClient.send.__module__.partition(".")[0]]


def bounded(response: Any) -> None:
    """A hook of openai's HTTP client, before an answer is read. Raises RemoteError for a packed one, whose size nobody
    knows before it is unpacked; we ask for none.
    """
    packing = response.headers.get("content-encoding", "identity")
    if packing != "identity":
        raise RemoteError(f"{response.url.host} sent a packed answer ({packing[:20]!r}), which was not asked for.")
    response.stream = _Counted(response.stream, str(response.url.host))


class _Counted(HTTP.SyncByteStream):  # type: ignore[misc]  # which of the two libraries is known when it runs
    """The bytes of an answer, as long as there are not too many."""

    def __init__(self, stream: Any, host: str) -> None:
        self._stream, self._host = stream, host

    def __iter__(self) -> Iterator[bytes]:
        taken = 0
        for chunk in self._stream:
            taken += len(chunk)
            if taken > MAX_ANSWER_BYTES:
                raise RemoteError(f"{self._host} sent more than {MAX_ANSWER_BYTES >> 20} MiB; the rest was not taken.")
            yield chunk

    def close(self) -> None:
        self._stream.close()
