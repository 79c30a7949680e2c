"""`GET /rooms/{roomId}/context/{eventId}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.rooms.accepting import accepting
from homeserver.application.rooms.get_event import visible_event
from homeserver.application.rooms.neighbours import neighbours
from homeserver.domain.sync.filter import RoomEventFilter
from homeserver.domain.sync.filter_match import event_predicate, room_predicate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from homeserver.application.access import RoomAccess, RoomView
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.relations.aggregations import Aggregations
    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.relations.related_by import RelatedBy
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.log_scan import LogScan
    from homeserver.application.rooms.state_reader import StateReader
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.timeline import TimelineEvent
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
        """Give up to `limit` neighbours, half of them on each side, that the filter wants.

        The filter is for the state too, and not for the event that was asked for (spec).
        Raises ForbiddenError, NotFoundError.
        """
        view = await self._access.for_reading(requester, room_id)
        item = await visible_event(self._store, view, event_id)
        in_room = room_predicate(wanted)
        if in_room is not None and not in_room(view.room.room_id):
            limit, wanted = 0, RoomEventFilter(types=())
        around = await neighbours(
            self._scan,
            view,
            item,
            before=limit - limit // 2,
            after=limit // 2,
            accept=accepting(wanted, await self._aggregations.ignored(requester)),
            sieve=self._related_by.sieve(wanted, lambda: self._aggregations.sight(requester, view)),
        )
        items = (*around.before, item, *around.after)
        newest = max(each.seq for each in items)
        return Context(
            view,
            item,
            around.before,
            around.after,
            await self._state_at(view, newest, items, wanted),
            around.start,
            around.end,
            await self._aggregations.for_view(requester, view, items),
        )

    async def _state_at(
        self, view: RoomView, seq: int, items: Iterable[TimelineEvent], wanted: RoomEventFilter
    ) -> list[Event]:
        if wanted.lazy_load_members:
            senders = {item.event.sender for item in items}
            state = await self._state.lazily(view.room, seq, senders)
        else:
            state = list((await self._state.whole(view.room, seq)).values())
        accepts = event_predicate(wanted)
        return state if accepts is None else [event for event in state if accepts(event)]
