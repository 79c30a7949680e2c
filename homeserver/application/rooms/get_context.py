"""`GET /rooms/{roomId}/context/{eventId}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.rooms.accepting import accepting
from homeserver.application.rooms.get_event import visible_event
from homeserver.application.rooms.log_scan import Span
from homeserver.domain.sync.position import RoomPosition, just_after, just_before

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from homeserver.application.access import RoomAccess, RoomView
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.relations.aggregations import Aggregations
    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.relations.related_by import RelatedBy
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.log_scan import LogScan
    from homeserver.application.rooms.sieve import Sieve
    from homeserver.application.rooms.state_reader import StateReader
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.sync.filter import RoomEventFilter
    from homeserver.domain.sync.position import RoomPoint


@dataclass(frozen=True, slots=True)
class Context:
    """An event with its neighbours: `before` newest first, `after` oldest first.

    `state` is that after the newest of them; `start` and `end` are where /messages goes on.
    """

    view: RoomView
    event: TimelineEvent
    before: list[TimelineEvent]
    after: list[TimelineEvent]
    state: list[Event]
    start: RoomPoint
    end: RoomPoint
    bundles: Mapping[str, Bundle]


class GetContext:
    """Reads what stands around an event."""

    def __init__(
        self,
        access: RoomAccess,
        store: TimelineStore,
        scan: LogScan,
        state: StateReader,
        aggregations: Aggregations,
        related_by: RelatedBy,
    ) -> None:
        """Read with these."""
        self._access = access
        self._store = store
        self._scan = scan
        self._state = state
        self._aggregations = aggregations
        self._related_by = related_by

    async def __call__(
        self,
        requester: Requester,
        room_id: str,
        event_id: str,
        limit: int,
        wanted: RoomEventFilter,
    ) -> Context:
        """Give up to `limit` neighbours, half of them on each side.

        Raises ForbiddenError, NotFoundError.
        """
        view = await self._access.for_reading(requester, room_id)
        item = await visible_event(self._store, view, event_id)
        here = RoomPosition(item.seq, item.back)
        beginning, newest = just_after(RoomPosition(0)), just_after(RoomPosition(view.until))
        older = Span.between(beginning, just_before(here))
        newer = Span.between(just_after(here), newest)
        sieve = self._related_by.sieve(wanted, lambda: self._aggregations.sight(requester, view))
        before = await self._side(view, older, limit - limit // 2, wanted, sieve, backwards=True)
        after = await self._side(view, newer, limit // 2, wanted, sieve, backwards=False)
        first, last = (before or [item])[-1], (after or [item])[-1]
        return Context(
            view,
            item,
            before,
            after,
            await self._state_at(view, last.seq, (*before, item, *after), wanted),
            just_before(RoomPosition(first.seq, first.back)),
            just_after(RoomPosition(last.seq, last.back)),
            await self._aggregations.for_view(requester, view, (*before, item, *after)),
        )

    async def _side(
        self,
        view: RoomView,
        span: Span,
        limit: int,
        wanted: RoomEventFilter,
        sieve: Sieve | None,
        *,
        backwards: bool,
    ) -> list[TimelineEvent]:
        if limit <= 0:
            return []
        page = await self._scan.page(
            view, span, backwards=backwards, limit=limit, accept=accepting(wanted), sieve=sieve
        )
        return page.events

    async def _state_at(
        self, view: RoomView, seq: int, items: Iterable[TimelineEvent], wanted: RoomEventFilter
    ) -> list[Event]:
        if wanted.lazy_load_members:
            senders = {item.event.sender for item in items}
            return await self._state.lazily(view.room, seq, senders)
        return list((await self._state.whole(view.room, seq)).values())
