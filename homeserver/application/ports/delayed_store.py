"""Events to be sent later, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.shared.json import JsonObject


@dataclass(frozen=True, slots=True)
class DelayedEvent:
    """An event to be sent `delay_ms` after `since_ts` (milliseconds), in the requester's name.

    `nid` is its own internal id. It is state where it has a `state_key`.
    """

    nid: int
    delay_id: str
    requester: Requester
    room_id: str
    type: str
    state_key: str | None
    content: JsonObject
    delay_ms: int
    since_ts: int

    @property
    def due_ts(self) -> int:
        """When it is to be sent."""
        return self.since_ts + self.delay_ms


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it at `ts`: sent as `event_id`, failed with `error`, or else cancelled."""

    ts: int
    event_id: str | None = None
    error: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """How many events a user has scheduled, and when the next is due (milliseconds)."""

    count: int
    next_ts: int


class DelayedStore(Protocol):
    """Reads what was committed; writes go into a `Draft`.

    An event has one outcome: a change that adds another one is refused by the store as one that takes
    a unique key twice (`Writer.submit`, `conflict`). So is a second event of one `delay_id`.
    """

    async def find(self, delay_id: str) -> tuple[DelayedEvent, Outcome | None] | None:
        """An event and what became of it; None where there is none of that id."""
        ...

    async def scheduled(self, user_nid: int) -> Sequence[DelayedEvent]:
        """All that a user has scheduled, in the order in which it is due."""
        ...

    async def load(self, user_nid: int) -> Load:
        """How much that is."""
        ...

    async def due(self, now: int, limit: int) -> Sequence[DelayedEvent]:
        """What is to be sent by now (milliseconds), in the order in which it was due."""
        ...

    def add(self, draft: Draft, event: DelayedEvent) -> None:
        """Schedule."""
        ...

    def restart(self, draft: Draft, event: DelayedEvent, since_ts: int) -> None:
        """Count the delay from another time, where there is no outcome yet."""
        ...

    def finish(self, draft: Draft, event: DelayedEvent, outcome: Outcome) -> None:
        """Add the outcome."""
        ...

    def forget(self, draft: Draft, before_ts: int) -> None:
        """Forget all whose outcome is older than that."""
        ...
