"""What is counted of whoever calls: bytes that were uploaded, and wrong logins. Kept in memory, bounded."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

Clock = Callable[[], float]


class Quota:
    """How much of `room` each key has used within the last `memory_s`."""

    def __init__(self, room: int, memory_s: float, remembered: int, clock: Clock = time.monotonic) -> None:
        self.room, self._memory_s, self._remembered, self._clock = room, memory_s, remembered, clock
        self._used: OrderedDict[str, list[tuple[float, int]]] = OrderedDict()

    def left(self, key: str) -> int:
        since = self._clock() - self._memory_s
        return self.room - sum(amount for at, amount in self._used.get(key, ()) if at > since)

    def take(self, key: str, amount: int) -> None:
        since = self._clock() - self._memory_s
        kept = [one for one in self._used.pop(key, []) if one[0] > since]
        self._used[key] = [*kept, (self._clock(), amount)]
        while len(self._used) > self._remembered:
            self._used.popitem(last=False)


class Brake:
    """Wrong tries of each key: the first `free` cost nothing, each further one doubles the pause before the next. They
    are forgotten when none came for `memory_s`.
    """

    def __init__(
        self,
        free: int,
        pause_s: float,
        longest_s: float,
        memory_s: float,
        remembered: int,
        clock: Clock = time.monotonic,
    ) -> None:
        self._free, self._pause_s, self._longest_s, self._memory_s = free, pause_s, longest_s, memory_s
        self._remembered, self._clock = remembered, clock
        self._tries: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and when the last one was

    def wait_s(self, key: str) -> float:
        """How long until `key` may try again; 0 where it may now."""
        count, last = self._known(key)
        over = count - self._free
        pause = min(self._longest_s, self._pause_s * 2.0 ** min(over, 60)) if over >= 0 else 0.0
        return max(0.0, last + pause - self._clock())

    def tried(self, key: str) -> None:
        """Counts a try as wrong; said before it is known, so that many at once are not one."""
        count, _ = self._known(key)
        self._tries.pop(key, None)
        self._tries[key] = (count + 1, self._clock())
        while len(self._tries) > self._remembered:
            self._tries.popitem(last=False)

    def passed(self, key: str) -> None:
        """The try was right, and is not counted. The wrong ones before it are: else whoever has one password could
        guess at the others' for as long as they like.
        """
        count, last = self._known(key)
        if count > 1:
            self._tries[key] = (count - 1, last)
        else:
            self._tries.pop(key, None)

    def _known(self, key: str) -> tuple[int, float]:
        count, last = self._tries.get(key, (0, 0.0))
        return (count, last) if self._clock() - last <= self._memory_s else (0, 0.0)


def address_of(client: tuple[str, int] | None) -> str:
    """Whose limits a call counts for: its address, of IPv6 the network of 64 bits that one household has."""
    try:
        address = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)
