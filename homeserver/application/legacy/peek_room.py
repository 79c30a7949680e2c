"""`GET /events?room_id=…`: what happens in a room, also for those who are not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.application.rooms.accepting import accepting
from homeserver.application.rooms.log_scan import Span
from homeserver.application.sync.feed import Feed
from homeserver.domain.sync.filter import MAX_LIMIT, RoomEventFilter
from homeserver.domain.sync.position import RoomPosition, just_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.access import RoomAccess, RoomView
    from homeserver.application.ports.clock import Clock
    from homeserver.application.relations.aggregations import Aggregations
    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.log_scan import LogPage, LogScan
    from homeserver.application.rooms.points import Points
    from homeserver.application.sync.hub import Hub
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.sync.position import RoomPoint

_ALL: Final = RoomEventFilter()


class Peeked(NamedTuple):
    """Events in room order, and the points before and behind them."""

    view: RoomView
    events: list[TimelineEvent]
    bundles: Mapping[str, Bundle]
    start: RoomPoint
    end: RoomPoint


class PeekRoom:
    """Waits for events of one room, as long as the requester may read it."""

    def __init__(
        self,
        *,
        access: RoomAccess,
        scan: LogScan,
        points: Points,
        aggregations: Aggregations,
        hub: Hub,
        clock: Clock,
    ) -> None:
        """Read with these; the hub tells when the room changed."""
        self._access = access
        self._scan = scan
        self._points = points
        self._aggregations = aggregations
        self._hub = hub
        self._clock = clock

    async def __call__(
        self, requester: Requester, room_id: str, start: str | None, timeout_ms: int
    ) -> Peeked:
        """Give what came after `start` (None: now), or what comes first in so many milliseconds.

        Raises ForbiddenError, also once the room is closed to the requester;
        InvalidParamError for a bad token.
        """
        deadline = self._clock.monotonic() + timeout_ms / 1000
        view = await self._access.for_reading(requester, room_id)
        point = just_after(RoomPosition(view.until))
        if start is not None:
            point = await self._points.point(requester, view.room, start)
        feed, nid, at = Feed(requester.user_nid, 0), view.room.nid, point
        self._hub.watch(feed, nid)
        try:
            while True:
                version = feed.version
                view = await self._access.for_reading(requester, room_id)
                page = await self._page(requester, view, at)
                if not page.events and page.end is not None:
                    at = page.end  # a long stretch of what the requester does not want
                    continue
                left = deadline - self._clock.monotonic()
                if page.events or left <= 0 or self._hub.draining:
                    return await self._found(requester, view, point, page)
                if feed.version == version:
                    await feed.wait(left)
        finally:
            self._hub.unwatch(feed, nid)

    async def _page(self, requester: Requester, view: RoomView, point: RoomPoint) -> LogPage:
        ignored = await self._aggregations.ignored(requester)
        return await self._scan.page(
            view,
            Span.between(point, just_after(RoomPosition(view.until))),
            backwards=False,
            limit=MAX_LIMIT,
            accept=accepting(_ALL, ignored),
        )

    async def _found(
        self, requester: Requester, view: RoomView, point: RoomPoint, page: LogPage
    ) -> Peeked:
        bundles = await self._aggregations.for_view(requester, view, page.events)
        end = page.end or max(point, just_after(RoomPosition(view.until)))
        return Peeked(view, page.events, bundles, point, end)
