"""Who is looking: a login, else a random name in a cookie that scripts cannot read, so that a reload finds its sessions
and no one else does. The edge gives the cookie.
"""

from __future__ import annotations

import re

import gradio as gr

COOKIE = "omost_visitor"
A_YEAR_S = 365 * 24 * 3600


def owner_of(request: gr.Request) -> str:
    """Under whose name sessions are kept: the login, else the cookie, else this page load alone."""
    if request.username:
        return f"user:{request.username}"
    name = dict(request.cookies).get(COOKIE, "")
    return f"visitor:{name}" if well_formed(name) else f"tab:{request.session_hash}"


def well_formed(name: str) -> bool:
    """Whether it is a name as we give them."""
    return re.fullmatch(r"[\w-]{32}", name, re.ASCII) is not None
