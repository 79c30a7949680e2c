"""Frames from worker to worker: they make delivery quick, never right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class EventBus(Protocol):
    """Carries frames to single workers, each of which hears only its own topic.

    A worker is named by its worker id, `<name>-<epoch>`, which no other life of it has. A
    frame may be lost, doubled or late: the tail of the log is the truth.
    """

    async def start(self, worker: str, receive: Callable[[bytes], None]) -> None:
        """Listen to this worker's own topic; `receive` is called in the event loop.

        Returns when frames sent from now on arrive; where the broker cannot be reached it
        returns all the same, and joins when the broker is there. `receive` never raises.
        """
        ...

    def send(self, worker: str, frame: bytes) -> None:
        """Post a frame of any bytes; never waits, never raises.

        Frames to one worker keep their order. A worker that is gone, or slow, holds up no
        other; what waits for one is bounded, the oldest is dropped first. A frame of more
        than 2 MiB is dropped.
        """
        ...

    def healthy(self) -> bool:
        """Whether frames have come through lately (this worker's own pings)."""
        ...

    async def close(self) -> None:
        """Send what waits for at most a second, leave, and delete this worker's topic."""
        ...
