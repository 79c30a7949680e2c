"""Bundled aggregations of a page of events, in a few statements for the page (spec 1.19)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from homeserver.application.relations.bundle import NOTHING, Bundle, ThreadSummary
from homeserver.application.relations.sight import sight_of
from homeserver.domain.relations.relation import (
    REFERENCE,
    REPLACE,
    THREAD,
    can_be_replaced,
    can_root_thread,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from homeserver.application.access import RoomView
    from homeserver.application.ports.relation_store import Place, RelationStore, Sight, Tally
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.relations.bundle import Bundles
    from homeserver.application.requester import Requester
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent

MAX_REFERENCES: Final = 250
"""References that one event lists; `/relations` has them all."""


class Aggregations:
    """Finds what to tell beside events.

    A page costs nothing where the room's memory knows that no event of it has children, or that
    none of the room has; one statement where it cannot know, and up to eight where there are
    edits, references, threads, and edits of a thread's newest reply.
    """

    def __init__(
        self,
        relations: RelationStore,
        timeline: TimelineStore,
        ignored: Callable[[int], Awaitable[frozenset[str]]],
    ) -> None:
        """Read from these; `ignored` tells whom a user (internal id) ignores."""
        self._relations = relations
        self._timeline = timeline
        self._ignored = ignored

    async def sight(self, requester: Requester, view: RoomView) -> Sight:
        """Which children a reader of a room may know of."""
        return sight_of(view.room, view.window, view.until, await self.ignored(requester))

    async def ignored(self, requester: Requester) -> frozenset[str]:
        """Whose events but state a reader does not want."""
        return await self._ignored(requester.user_nid)

    async def for_view(
        self, requester: Requester, view: RoomView, items: Iterable[TimelineEvent]
    ) -> Mapping[str, Bundle]:
        """The bundles of events that a reader gets."""
        parents = possible_parents(view.room, items)
        if not parents or not await self._is_related(view.room):
            return NOTHING
        return await self._bundles(view.room, parents, await self.sight(requester, view))

    async def of(
        self, room: Room, items: Iterable[TimelineEvent], sight: Callable[[], Sight]
    ) -> Mapping[str, Bundle]:
        """The bundles of events as far as `sight` goes; it is asked for where it is needed."""
        parents = possible_parents(room, items)
        if not parents or not await self._is_related(room):
            return NOTHING
        return await self._bundles(room, parents, sight())

    async def _is_related(self, room: Room) -> bool:
        """Whether any event of a room may have children; asked of the store once."""
        memory = room.parents
        if room.gaps:
            return True  # history that comes behind them is not in memory
        if memory.related is None:
            jumps = memory.jumps
            memory.learn(related=await self._relations.any_bundled(room), jumps=jumps)
        return memory.related is not False

    async def _bundles(
        self,
        room: Room,
        parents: Mapping[str, TimelineEvent],
        sight: Sight,
        *,
        threads: bool = True,
    ) -> Bundles:
        tallies = await self._relations.tallies(room, list(parents), sight)
        if not tallies:
            return {}
        edits = await self._edits(room, parents, tallies, sight)
        references = await self._references(room, tallies, sight)
        replies = _by_root(parents, tallies) if threads else {}
        newest = {root: max(tally.newest for tally in of_it) for root, of_it in replies.items()}
        children = await self._at(room, [*edits.values(), *newest.values()])
        summaries = await self._threads(room, parents, replies, newest, children, sight)
        found: Bundles = {}
        for event_id in parents:
            edit = children.get(edits[event_id]) if event_id in edits else None
            listed = tuple(references.get(event_id, ()))
            thread = summaries.get(event_id)
            if edit is not None or listed or thread is not None:
                found[event_id] = Bundle(edit, listed, thread)
        return found

    async def _at(self, room: Room, places: Sequence[Place]) -> dict[Place, TimelineEvent]:
        return await self._timeline.at(room, places) if places else {}

    async def _edits(
        self,
        room: Room,
        parents: Mapping[str, TimelineEvent],
        tallies: Sequence[Tally],
        sight: Sight,
    ) -> dict[str, Place]:
        originals = [
            item.event
            for tally in tallies
            if tally.rel_type == REPLACE
            and (item := parents[tally.parent_id]).event.sender == tally.sender
            and can_be_replaced(item)
        ]
        if not originals:
            return {}
        return await self._relations.newest_edits(room, originals, sight)

    async def _references(
        self, room: Room, tallies: Sequence[Tally], sight: Sight
    ) -> dict[str, list[str]]:
        wanted = dict.fromkeys(t.parent_id for t in tallies if t.rel_type == REFERENCE)
        if not wanted:
            return {}
        return await self._relations.references(room, list(wanted), sight, MAX_REFERENCES)

    async def _threads(
        self,
        room: Room,
        parents: Mapping[str, TimelineEvent],
        replies: Mapping[str, Sequence[Tally]],
        newest: Mapping[str, Place],
        children: Mapping[Place, TimelineEvent],
        sight: Sight,
    ) -> dict[str, ThreadSummary]:
        """The threads of roots; what relates to their newest replies is told once more inside."""
        latest = {root: children[place] for root, place in newest.items() if place in children}
        inner = possible_parents(room, latest.values())
        beside = await self._bundles(room, inner, sight, threads=False) if inner else {}
        return {
            root: ThreadSummary(
                count=sum(tally.number for tally in replies[root]),
                latest=item,
                beside_latest=beside.get(item.event.event_id),
                participants=frozenset(
                    (parents[root].event.sender, *(tally.sender for tally in replies[root]))
                ),
            )
            for root, item in latest.items()
        }


def possible_parents(room: Room, items: Iterable[TimelineEvent]) -> dict[str, TimelineEvent]:
    """The events that may have children, by id."""
    has, first = room.parents.has, room.tail_from
    return {item.event.event_id: item for item in items if has(item, first)}


def _by_root(
    parents: Mapping[str, TimelineEvent], tallies: Sequence[Tally]
) -> dict[str, list[Tally]]:
    """The replies to each event that may root a thread."""
    found: defaultdict[str, list[Tally]] = defaultdict(list)
    for tally in tallies:
        if tally.rel_type == THREAD and can_root_thread(parents[tally.parent_id].event):
            found[tally.parent_id].append(tally)
    return found
