"""`GET /rooms/{roomId}/threads`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeserver.application.relations.get_relations import END, before
from homeserver.domain.events.redacted import redacted_event
from homeserver.domain.relations.relation import can_root_thread
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.domain.sync.position import RoomPosition, just_before

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.application.access import RoomAccess, RoomView
    from homeserver.application.ports.relation_store import Place, RelationStore, Sight
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.relations.aggregations import Aggregations
    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.points import Points
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.sync.position import RoomPoint

MAX_ROUNDS: Final = 5
"""Times that one page asks the store, where what it finds may not be shown."""


@dataclass(frozen=True, slots=True)
class Threads:
    """Thread roots, that with the newest reply first; `next` is None at the end."""

    view: RoomView
    roots: Sequence[TimelineEvent]
    bundles: Mapping[str, Bundle]
    next: RoomPoint | None


class GetThreads:
    """Pages through a room's threads by their newest replies."""

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
        self,
        requester: Requester,
        room_id: str,
        *,
        start: str | None,
        limit: int,
        participated: bool,
    ) -> Threads:
        """Give one page. Raises ForbiddenError, InvalidParamError."""
        view = await self._access.for_reading(requester, room_id)
        at = END
        if start is not None:
            at = before(await self._points.point(requester, view.room, start))
        sight = await self._aggregations.sight(requester, view)
        user = requester.user_nid if participated else None
        found: list[tuple[TimelineEvent, Place]] = []
        more = True
        for _ in range(MAX_ROUNDS):
            asked = limit - len(found) + 1
            newest = await self._relations.threads(view.room, sight, at, asked, user)
            found += await self._shown(view, newest)
            more = len(newest) == asked
            if not more or len(found) > limit:
                break
            at = newest[-1][1]
        shown = found[:limit]
        end = None
        if more:
            end = shown[-1][1] if len(found) > limit else at
        roots = [_as_seen(view.room, root, sight) for root, _ in shown]
        return Threads(
            view,
            roots,
            await self._aggregations.for_view(requester, view, [root for root, _ in shown]),
            None if end is None else just_before(RoomPosition(*end)),
        )

    async def _shown(
        self, view: RoomView, newest: Sequence[tuple[Place, Place]]
    ) -> list[tuple[TimelineEvent, Place]]:
        """The roots that the reader may see and that may root a thread."""
        if not newest:
            return []
        roots = await self._timeline.at(view.room, [root for root, _ in newest])
        return [
            (root, place)
            for at, place in newest
            if (root := roots.get(at)) is not None
            and view.sees(root)
            and can_root_thread(root.event)
        ]


def _as_seen(room: Room, root: TimelineEvent, sight: Sight) -> TimelineEvent:
    """A root; one of an ignored user stripped, as clients that aggregate themselves show it."""
    if root.event.sender not in sight.ignored:
        return root
    return TimelineEvent(
        redacted_event(root.event, room.version),
        seq=root.seq,
        back=root.back,
        slot=root.slot,
        pos=root.pos,
        sender_nid=root.sender_nid,
        notify_ord=root.notify_ord,
    )
