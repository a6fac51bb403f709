"""The connections of one request, which another thread can cut: closing a socket wakes nobody who reads from it."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import httpx

CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")
NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
_of_this_thread = threading.local()


class Wire:
    """What one thread's requests are sent over while it is in `held()`; any thread may `cut()` it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_cut = False

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        _of_this_thread.wire = self
        try:
            yield
        finally:
            _of_this_thread.wire = None

    def add(self, connection: socket.socket) -> None:
        with self._lock:
            self._sockets.append(connection)
            if self._is_cut:
                _shut(connection)

    def cut(self) -> None:
        """Ends every connection, and those that come still."""
        with self._lock:
            self._is_cut = True
            for connection in self._sockets:
                _shut(connection)


def note_connections(request: httpx.Request) -> None:
    """For a client's `event_hooks["request"]`: the wire of the thread that sends gets to know its connections."""
    wire: Wire | None = getattr(_of_this_thread, "wire", None)
    if wire is None:
        return

    def trace(event: str, info: dict[str, Any]) -> None:
        if event in CONNECTED and (found := info["return_value"].get_extra_info("socket")) is not None:
            wire.add(found)

    request.extensions = {**request.extensions, "trace": trace}


def _shut(connection: socket.socket) -> None:
    """With a reset when it is closed: a server that is in the middle of a long write would wait for a minute else."""
    with contextlib.suppress(OSError):  # it may be closed already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        connection.shutdown(socket.SHUT_RDWR)
