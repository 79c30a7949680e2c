"""A room log that answers like `/sync` and `/messages`, for the pure core."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from firn_client import Event
from firn_client.calls.rooms import Page
from firn_client.sync_body import JoinedRoom, Rooms, SyncBody, Timeline

if TYPE_CHECKING:
    from firn_client.calls.call import Call

ROOM = "!r:x"


@dataclass
class Log:
    """One room. Tokens are the number of events before them."""

    events: list[Event] = field(default_factory=list)
    heeds_to: bool = True

    def say(self, count: int) -> None:
        """Add messages."""
        for _ in range(count):
            number = len(self.events)
            self.events.append(
                Event(type="m.room.message", content={"body": str(number)}, event_id=f"${number}")
            )

    def sync(self, since: str | None, limit: int) -> SyncBody:
        """What is new since a token, at most so many events."""
        start, end = int(since or 0), len(self.events)
        first = max(start, end - limit)
        timeline = Timeline(self.events[first:], limited=first > start, prev_batch=str(first))
        rooms = Rooms(join={ROOM: JoinedRoom(timeline)} if end > start else {})
        return SyncBody(str(end), rooms)

    def page(self, call: Call[Page], limit: int = 3) -> Page:
        """Answer `/messages` backwards, in small pages; like Firn, with an `end` always."""
        query: dict[str, Any] = call.query
        start = int(query["from"])
        bottom = int(query["to"]) if self.heeds_to else 0
        end = max(bottom, start - limit)
        chunk = self.events[end:start][::-1]
        return msgspec.convert(
            {"chunk": msgspec.to_builtins(chunk), "start": str(start), "end": str(end)}, Page
        )
