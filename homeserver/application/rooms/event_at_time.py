"""`GET /rooms/{roomId}/timestamp_to_event`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.rooms.log_scan import Span
from homeserver.domain.shared.errors import NotFoundError

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.log_scan import LogScan
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent

PROBES = 31
MARGIN = 16
"""How far timestamps may be out of the log's order and the answer still be the best."""


class EventAtTime:
    """Finds the event nearest to a time.

    Times rise with the log but for the clocks of other servers, so a search by halves finds
    the place; around it the events are looked at one by one.
    """

    def __init__(self, access: RoomAccess, store: TimelineStore, scan: LogScan) -> None:
        """Read with these."""
        self._access = access
        self._store = store
        self._scan = scan

    async def __call__(
        self, requester: Requester, room_id: str, ts: int, *, backwards: bool
    ) -> TimelineEvent:
        """The last visible event not after `ts` (ms), or the first not before it.

        Raises ForbiddenError; NotFoundError where there is none.
        """
        view = await self._access.for_reading(requester, room_id)
        seq = await last_before(self._store, view.room, view.until, ts)

        def accept(item: TimelineEvent) -> bool:
            at = item.event.origin_server_ts
            return at <= ts if backwards else at >= ts

        if backwards:
            span = Span((0, 0), (seq + MARGIN, 1))
        else:
            span = Span((max(seq - MARGIN, 0), 0), (view.until, 1))
        page = await self._scan.page(
            view, span, backwards=backwards, limit=2 * MARGIN, accept=accept
        )
        if not page.events:
            raise NotFoundError("No event at that time")
        return min(page.events, key=lambda item: abs(item.event.origin_server_ts - ts))


async def last_before(store: TimelineStore, room: Room, until: int, ts: int) -> int:
    """The last position whose event is not younger than `ts` (ms), by probes; 0 for none."""
    low, high = 0, until
    while low < high:
        count = min(PROBES, high - low)
        seqs = [low + (high - low) * i // count for i in range(1, count + 1)]
        times = await store.times(room, seqs)
        for seq in reversed(seqs):
            if times.get(seq, 0) <= ts:
                low = seq
                break
            high = seq - 1
    return low
