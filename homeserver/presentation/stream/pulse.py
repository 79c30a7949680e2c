"""Whether the peer is alive: decided at every tick from what was seen since the last."""

from __future__ import annotations

from enum import Enum
from typing import Final

PING_SECONDS: Final = 30.0
"""Time between two ticks."""
ACK_SECONDS: Final = 60.0


class Verdict(Enum):
    """What to do now."""

    FINE = "fine"
    PING = "ping"
    DEAD = "dead"


class Pulse:
    """Listens for a peer.

    Life is anything that comes, and any byte of what was written that is taken: a phone that
    needs two minutes for its first sync is alive. After one silent interval the peer is
    pinged, after two it is dead. So is one that leaves a frame unacknowledged for
    `ACK_SECONDS` though it took all that was written. Times in seconds.
    """

    __slots__ = ("_alive", "_buffered", "_due_since", "_silent")

    def __init__(self) -> None:
        """Begin with a peer that has just connected."""
        self._alive = True
        self._silent = 0
        self._buffered = 0
        self._due_since = 0.0

    def heard(self) -> None:
        """Something came."""
        self._alive = True

    def tick(self, now: float, buffered: int, *, waiting: bool) -> Verdict:
        """Judge; `buffered` bytes are written and not taken, `waiting`: for an acknowledgement."""
        alive = self._alive or buffered < self._buffered
        self._alive, self._buffered = False, buffered
        self._silent = 0 if alive else self._silent + 1
        if buffered:
            self._due_since = now
        if self._silent > 1 or (waiting and now - self._due_since >= ACK_SECONDS):
            return Verdict.DEAD
        return Verdict.PING if self._silent else Verdict.FINE

    def due(self, now: float) -> None:
        """From now on an acknowledgement is due: the first one, or the next."""
        self._due_since = now
