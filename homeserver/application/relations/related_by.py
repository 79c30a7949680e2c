"""The filters `related_by_rel_types` and `related_by_senders` (MSC3440)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from homeserver.application.ports.relation_store import RelationStore, Sight
    from homeserver.application.rooms.sieve import Sieve
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.sync.filter import RoomEventFilter


class RelatedBy:
    """Makes sieves: an event passes that has a child which fits both lists."""

    def __init__(self, relations: RelationStore) -> None:
        """Ask for children here."""
        self._relations = relations

    def sieve(self, wanted: RoomEventFilter, sight: Callable[[], Awaitable[Sight]]) -> Sieve | None:
        """The sieve of a filter, None where it restricts nothing of this."""
        kinds, senders = wanted.related_by_rel_types, wanted.related_by_senders
        if kinds is None and senders is None:
            return None

        async def passing(room: Room, items: Sequence[TimelineEvent]) -> frozenset[str]:
            ids = [item.event.event_id for item in items]
            return await self._relations.related(room, ids, kinds, senders, await sight())

        return passing
