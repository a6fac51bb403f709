"""What every answer carries: headers that keep others' pages and requests out, and cookies that other sites' pages
cannot use.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import MutableHeaders

#: Gradio's page has scripts and styles in its HTML, and makes functions of the texts of our widgets' scripts. Nothing
#: is loaded from, sent to, or framed by another site. No text of a user or a model is ever script or HTML.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
#: A person's file that is opened by itself runs nothing and asks for nothing.
FILE_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
HEADERS = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
ALLOWS = ("access-control-allow-origin", "access-control-allow-credentials")  # of gradio, for any site


def guarded(message: MutableMapping[str, Any], path: str, https: bool) -> None:
    """Changes the start of an answer in place."""
    headers = MutableHeaders(scope=message)
    for name in ALLOWS:
        del headers[name]
    headers["content-security-policy"] = FILE_POLICY if path.startswith("/gradio_api/file=") else POLICY
    headers.update(HEADERS)
    message["headers"] = [
        (name, cookie(value.decode("latin-1"), https).encode("latin-1") if name == b"set-cookie" else value)
        for name, value in message["headers"]
    ]


def cookie(line: str, https: bool) -> str:
    """A Set-Cookie line that only this site's pages send back, behind https nowhere else; no script reads it."""
    first, *attributes = (part.strip() for part in line.split(";"))
    kept = [one for one in attributes if one.lower().partition("=")[0] not in ("samesite", "secure", "httponly")]
    return "; ".join([first, *kept, "HttpOnly", "SameSite=Lax", *(["Secure"] if https else [])])
