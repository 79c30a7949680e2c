"""Reports of rooms, events and users, kept for the server's administrators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody reported: a room, an event (with its room), or a user.

    `nid` is the report's own internal id, `ts` when it came, in milliseconds.
    """

    nid: int
    ts: int
    reporter_nid: int
    reason: str
    room_id: str | None = None
    event_id: str | None = None
    user_id: str | None = None


class ReportStore(Protocol):
    """Reads what was committed; writes go into a `Draft`."""

    def add(self, draft: Draft, report: Report) -> None:
        """Add a report."""
        ...

    async def newest(self, limit: int, before: Report | None = None) -> Sequence[Report]:
        """The newest reports, newest first; with `before` those that come after it in this order."""
        ...
