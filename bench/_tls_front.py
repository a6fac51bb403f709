"""A proxy with https before a page, as people put one there: ends TLS, and says of each call that it came so. For the
loopback only, with a certificate of its own.
"""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

LONGEST_HEAD = 2**16
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
SAID = b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n"


@dataclass(frozen=True, slots=True)
class Front:
    """`url`: of the page by way of it; `certificate`: what a client has to trust."""

    url: str
    certificate: Path


@contextmanager
def tls_front(port: int, folder: Path, name: str = "localhost") -> Iterator[Front]:
    """Runs before the server on `port` until the block is left. Raises CalledProcessError, or FileNotFoundError where
    there is no openssl.
    """
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_listen, args=(listening, context, port), daemon=True).start()
        yield Front(f"https://{name}:{listening.getsockname()[1]}", certificate)


def _listen(listening: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError):  # closed: the end
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_pass_on, args=(client, context, port), daemon=True).start()


def _pass_on(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    """One call of one connection."""
    with (
        suppress(OSError),
        context.wrap_socket(client, server_side=True) as theirs,
        socket.create_connection(("127.0.0.1", port)) as ours,
    ):
        call, length = b"", 0
        while b"\r\n\r\n" not in call or len(call) < length:  # all of it first: one thread at a time uses a TLS socket
            call += (piece := theirs.recv(2**16))
            head, _, _ = call.partition(b"\r\n\r\n")
            if not piece or len(head) > LONGEST_HEAD:
                return
            told = LENGTH.search(head)
            length = len(head) + 4 + int(told[1] if told else 0)
        first, _, rest = call.partition(b"\r\n")
        ours.sendall(first + b"\r\n" + SAID + rest)
        while answer := ours.recv(2**16):
            theirs.sendall(answer)
