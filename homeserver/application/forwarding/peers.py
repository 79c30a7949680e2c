"""The workers that take writes of this version, and what their clocks show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from homeserver.application.ports.clock import Clock

SILENT_SECONDS: Final = 10.0
"""A worker that was not heard for so long is greeted anew before it gets a write."""
DRIFT_SECONDS: Final = 60.0
"""After so long a comparison of two clocks is worth less than a new one."""
GREET_SECONDS: Final = 0.25


@dataclass(slots=True)
class _Peer:
    offset: float
    """Their clock less ours, or somewhat less: the way of what told us is not known."""
    compared: float
    heard: float


class Peers:
    """Remembers who answered.

    Monotonic clocks of two machines have nothing in common, but each answer bears one: it is
    late by the time that it was on its way, so what is computed from it is never ahead of the
    other's clock. A frame that says "by your clock it is t" can thus look older than it is,
    never younger.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin with none."""
        self._clock = clock
        self._peers: dict[str, _Peer] = {}
        self._greeted: dict[str, float] = {}

    def heard(self, worker: str, reading: float | None) -> None:
        """A worker answered; None: it takes no writes any more."""
        if reading is None:
            self.forget(worker)
            return
        now = self._clock.monotonic()
        offset, known = reading - now, self._peers.get(worker)
        if known is None or offset > known.offset or now - known.compared > DRIFT_SECONDS:
            self._peers[worker] = _Peer(offset, compared=now, heard=now)
        else:
            known.heard = now

    def forget(self, worker: str) -> None:
        """A worker did not answer."""
        self._peers.pop(worker, None)

    def now(self) -> float:
        """Our own clock."""
        return self._clock.monotonic()

    def was_heard(self, worker: str, since: float) -> bool:
        """Whether a worker was heard after a time of our clock."""
        peer = self._peers.get(worker)
        return peer is not None and peer.heard > since

    def time_at(self, worker: str) -> float | None:
        """A worker's clock now, or somewhat less; None for one that has to be greeted first."""
        peer, now = self._peers.get(worker), self._clock.monotonic()
        if peer is None or now - peer.heard > SILENT_SECONDS:
            return None
        return now + peer.offset

    def may_greet(self, worker: str) -> bool:
        """Whether it is time for a greeting; that it is made is noted."""
        now = self._clock.monotonic()
        if now - self._greeted.get(worker, now - GREET_SECONDS) < GREET_SECONDS:
            return False
        self._greeted = {who: at for who, at in self._greeted.items() if now - at < SILENT_SECONDS}
        self._greeted[worker] = now
        return True
