"""`GET /rooms/{roomId}/messages`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.rooms.accepting import accepting
from homeserver.application.rooms.log_scan import Span
from homeserver.domain.sync.filter_match import room_predicate
from homeserver.domain.sync.position import RoomPosition, just_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.access import RoomAccess, RoomView
    from homeserver.application.relations.aggregations import Aggregations
    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.relations.related_by import RelatedBy
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.log_scan import LogPage, LogScan
    from homeserver.application.rooms.points import Points
    from homeserver.application.rooms.state_reader import StateReader
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.sync.filter import RoomEventFilter
    from homeserver.domain.sync.position import RoomPoint

BEGINNING = just_after(RoomPosition(0))


@dataclass(frozen=True, slots=True)
class MessagesQuery:
    """What a client asks for; `start` and `to` are tokens."""

    backwards: bool
    start: str | None
    to: str | None
    limit: int
    filter: RoomEventFilter


@dataclass(frozen=True, slots=True)
class Messages:
    """A page in the order of reading; `start` and `end` as tokens of the answer.

    `end` is None where nothing more can be read that way.
    """

    view: RoomView
    events: list[TimelineEvent]
    state: list[Event]
    start: RoomPoint
    end: RoomPoint | None
    bundles: Mapping[str, Bundle]


class GetMessages:
    """Pages through a room's history."""

    def __init__(
        self,
        access: RoomAccess,
        scan: LogScan,
        points: Points,
        state: StateReader,
        aggregations: Aggregations,
        related_by: RelatedBy,
    ) -> None:
        """Read with these."""
        self._access = access
        self._scan = scan
        self._points = points
        self._state = state
        self._aggregations = aggregations
        self._related_by = related_by

    async def __call__(self, requester: Requester, room_id: str, query: MessagesQuery) -> Messages:
        """Give one page. Raises ForbiddenError, InvalidParamError."""
        view = await self._access.for_reading(requester, room_id)
        start = await self._start(requester, view, query)
        to = None if query.to is None else await self._point(requester, view, query.to)
        page = await self._page(requester, view, start, to, query)
        state = await self._members(view, page.events, query.filter)
        bundles = await self._aggregations.for_view(requester, view, page.events)
        return Messages(view, page.events, state, start, page.end or to, bundles)

    async def _start(self, requester: Requester, view: RoomView, query: MessagesQuery) -> RoomPoint:
        if query.start is not None:
            return await self._point(requester, view, query.start)
        return just_after(RoomPosition(view.until)) if query.backwards else BEGINNING

    async def _point(self, requester: Requester, view: RoomView, text: str) -> RoomPoint:
        return await self._points.point(requester, view.room, text)

    async def _page(
        self,
        requester: Requester,
        view: RoomView,
        start: RoomPoint,
        to: RoomPoint | None,
        query: MessagesQuery,
    ) -> LogPage:
        far = to or (BEGINNING if query.backwards else just_after(RoomPosition(view.until)))
        span = Span.between(far, start) if query.backwards else Span.between(start, far)
        in_room = room_predicate(query.filter)
        if in_room is not None and not in_room(view.room.room_id):
            span = Span.between(start, start)
        return await self._scan.page(
            view,
            span,
            backwards=query.backwards,
            limit=query.limit,
            accept=accepting(query.filter, await self._aggregations.ignored(requester)),
            sieve=self._related_by.sieve(
                query.filter, lambda: self._aggregations.sight(requester, view)
            ),
        )

    async def _members(
        self, view: RoomView, events: list[TimelineEvent], wanted: RoomEventFilter
    ) -> list[Event]:
        """The senders' member events as they were at the newest event of the page."""
        if not wanted.lazy_load_members or not events:
            return []
        newest = max(events[0].seq, events[-1].seq)
        senders = [item.event.sender for item in events]
        return await self._state.members(view.room, newest, senders)
