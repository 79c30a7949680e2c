"""`GET /rooms/{roomId}/relations/{eventId}` and its narrower forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeserver.application.ports.relation_store import ChildrenQuery
from homeserver.application.relations.sight import BEGINNING
from homeserver.application.rooms.get_event import visible_event
from homeserver.domain.shared.errors import ForbiddenError, NotFoundError
from homeserver.domain.sync.position import RoomPosition, just_after, just_before

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.application.access import RoomAccess, RoomView
    from homeserver.application.ports.relation_store import Place, RelationStore
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.relations.aggregations import Aggregations
    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.points import Points
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.sync.position import RoomPoint

DEPTH: Final = 3
"""Steps that `recurse` goes: the least that the specification recommends."""


@dataclass(frozen=True, slots=True)
class RelationsQuery:
    """What a client asks for; `start` and `to` are tokens, None for the kinds means any."""

    parent_id: str
    rel_type: str | None
    event_type: str | None
    backwards: bool
    start: str | None
    to: str | None
    limit: int
    recurse: bool


@dataclass(frozen=True, slots=True)
class RelatedEvents:
    """A page in the order of reading; the points are where to go on and where it began.

    `next` is None at the end, `previous` where the client named no beginning; `depth` is how
    many steps were gone.
    """

    view: RoomView
    events: Sequence[TimelineEvent]
    bundles: Mapping[str, Bundle]
    next: RoomPoint | None
    previous: RoomPoint | None
    depth: int


class GetRelations:
    """Pages through what relates to an event, by position in the room's log."""

    def __init__(
        self,
        *,
        access: RoomAccess,
        timeline: TimelineStore,
        relations: RelationStore,
        points: Points,
        aggregations: Aggregations,
    ) -> None:
        """Read with these."""
        self._access = access
        self._timeline = timeline
        self._relations = relations
        self._points = points
        self._aggregations = aggregations

    async def __call__(
        self, requester: Requester, room_id: str, query: RelationsQuery
    ) -> RelatedEvents:
        """Give one page.

        Raises NotFoundError where the parent is not there or may not be seen, and
        InvalidParamError.
        """
        try:
            view = await self._access.for_reading(requester, room_id)
        except ForbiddenError:
            raise NotFoundError("Event not found") from None
        parent = await visible_event(self._timeline, view, query.parent_id)
        start = await self._point(requester, view, query.start)
        to = await self._point(requester, view, query.to)
        wanted = _children(parent.event.event_id, query, start, to)
        sight = await self._aggregations.sight(requester, view)
        places = await self._relations.children(view.room, wanted, sight)
        shown = places[: query.limit]
        found = await self._timeline.at(view.room, shown) if shown else {}
        events = [found[place] for place in shown if place in found]
        more = shown[-1] if len(places) > query.limit else None
        return RelatedEvents(
            view,
            events,
            await self._aggregations.for_view(requester, view, events),
            None if more is None else _behind(more, query),
            start,
            wanted.depth,
        )

    async def _point(
        self, requester: Requester, view: RoomView, text: str | None
    ) -> RoomPoint | None:
        return None if text is None else await self._points.point(requester, view.room, text)


def _children(
    parent_id: str, query: RelationsQuery, start: RoomPoint | None, to: RoomPoint | None
) -> ChildrenQuery:
    """What to ask the store: one more than wanted tells whether there are more."""
    older, newer = (to, start) if query.backwards else (start, to)
    return ChildrenQuery(
        parent_id=parent_id,
        rel_type=query.rel_type,
        event_type=query.event_type,
        after=BEGINNING if older is None else after(older),
        before=END if newer is None else before(newer),
        backwards=query.backwards,
        limit=query.limit + 1,
        depth=DEPTH if query.recurse else 1,
    )


END: Final[Place] = (1 << 32, 0)
"""Beyond every position."""


def after(point: RoomPoint) -> Place:
    """What is newer than a point stands after this place."""
    seq, back = point.position
    return (seq, back) if point.after else (seq, back - 1)


def before(point: RoomPoint) -> Place:
    """What is older than a point stands before this place."""
    seq, back = point.position
    return (seq, back + 1) if point.after else (seq, back)


def _behind(place: Place, query: RelationsQuery) -> RoomPoint:
    position = RoomPosition(*place)
    return just_before(position) if query.backwards else just_after(position)
