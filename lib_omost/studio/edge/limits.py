"""How much a call may bring, in one table. What a render or a chat may hold is said in studio/limits.py."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    #: One call that is no upload. The longest history that /chat takes fits, each letter written as an escape.
    body: int = 4 * MIB
    #: One upload: a session file holds all its pictures.
    upload: int = 1025 * MIB
    #: Uploads of one owner in a day (for so long the page keeps them), and of one address, which may be many people's.
    uploads_of_owner: int = 2048 * MIB
    uploads_of_address: int = 8192 * MIB
    upload_memory_s: float = 24 * 3600.0
    #: Wrong logins of one address that cost nothing; each further one doubles the pause before the next try.
    free_logins: int = 5
    login_pause_s: float = 2.0
    longest_pause_s: float = 900.0
    login_memory_s: float = 3600.0
    #: Addresses and owners that are remembered at once; the oldest is forgotten first.
    remembered: int = 10_000
    #: Characters of a tab's name.
    tab_name: int = 100


LIMITS = Limits()
