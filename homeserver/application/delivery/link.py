"""How a worker reaches the others, for parts that send frames of a kind of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from homeserver.application.delivery.frames import Frames
    from homeserver.application.ports.event_bus import EventBus
    from homeserver.application.ports.route_table import RouteTable


@dataclass(frozen=True, slots=True)
class Link:
    """Who this worker is, and how it reaches others; the bus may not be started yet."""

    worker: str
    generation: bytes
    bus: EventBus
    routes: RouteTable
    frames: Frames

    def workers(self) -> Collection[str]:
        """The live workers, this one included; never waits."""
        return self.routes.known_workers()

    def send(self, worker: str, kind: int, payload: bytes) -> None:
        """Sign a frame and post it; never waits, never raises."""
        self.bus.send(worker, self.frames.seal(kind, payload))
