"""Pushers with something to deliver, and the gateways that they share."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

    from homeserver.application.ports.push_log import LaneKey, Notice

PER_HOST: Final = 8
"""Requests to one gateway at once; one to a gateway that is down."""
DOWN_AFTER: Final = 5
"""Failures in a row, of any of its pushers, after which a gateway counts as down."""


@dataclass(eq=False, slots=True)
class Lane:
    """One pusher: what it is owed, oldest first, and how its gateway does.

    `timer` is set while it waits for another try, `busy` while the first notice is being sent.
    """

    key: LaneKey
    host: Host
    notices: deque[Notice] = field(default_factory=deque)
    failures: int = 0
    refusals: int = 0
    busy: bool = False
    timer: asyncio.TimerHandle | None = None


@dataclass(eq=False, slots=True)
class Host:
    """One gateway: whose turn it is, and those that wait after a failure."""

    name: str
    ready: deque[Lane] = field(default_factory=deque)
    waiting: set[Lane] = field(default_factory=set)
    running: int = 0
    failures: int = 0

    @property
    def room(self) -> int:
        """How many more requests it may get now."""
        return (1 if self.failures >= DOWN_AFTER else PER_HOST) - self.running

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.ready or self.waiting or self.running)
