"""What relates to events, as the store keeps it; it is written with the room (`RoomStore`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.relations.relation import Relation
    from homeserver.domain.rooms.room import Room

Place = tuple[int, int]
"""A position of a room's log, (seq, back)."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Which children count for a reader.

    Those in one of the `spans` (after < position < before) whose sender is not `ignored` (user
    ids).
    """

    spans: tuple[tuple[Place, Place], ...]
    ignored: frozenset[str] = frozenset()


class Tally(NamedTuple):
    """The `number` of children of a kind that a sender gave a parent; where the newest stands."""

    parent_id: str
    rel_type: str
    sender: str
    number: int
    newest: Place


@dataclass(frozen=True, slots=True)
class ChildrenQuery:
    """Which children of an event to list: after < position < before, in which direction.

    `depth` 1 means its own children, 2 those of its children too, and so on; the kinds hold
    for every step of the way.
    """

    parent_id: str
    rel_type: str | None
    event_type: str | None
    after: Place
    before: Place
    backwards: bool
    limit: int
    depth: int


class RelationStore(Protocol):
    """Reads relations within one room. Redacted children are not there any more."""

    async def any_bundled(self, room: Room) -> bool:
        """Whether a room's log has a child of a kind that is told beside its parent."""
        ...

    async def tallies(self, room: Room, parents: Collection[str], sight: Sight) -> Sequence[Tally]:
        """The children that are aggregated, by parent, kind and sender."""
        ...

    async def newest_edits(
        self, room: Room, originals: Sequence[Event], sight: Sight
    ) -> dict[str, Place]:
        """The most recent valid replacement of each: of the same sender and type.

        Most recent by `origin_server_ts`, then by event id.
        """
        ...

    async def references(
        self, room: Room, parents: Sequence[str], sight: Sight, limit: int
    ) -> dict[str, list[str]]:
        """The ids of the oldest `limit` `m.reference` children of each, oldest first."""
        ...

    async def children(self, room: Room, query: ChildrenQuery, sight: Sight) -> Sequence[Place]:
        """Where the children of an event stand, in the order asked for."""
        ...

    async def threads(
        self, room: Room, sight: Sight, before: Place, limit: int, user_nid: int | None
    ) -> Sequence[tuple[Place, Place]]:
        """Where thread roots and their newest replies stand: those before a position, newest first.

        Roots that the room's log does not have are left out. With `user_nid` only threads
        whose root or one of whose replies this user sent.
        """
        ...

    async def related(
        self,
        room: Room,
        parents: Sequence[str],
        rel_types: Collection[str] | None,
        senders: Collection[str] | None,
        sight: Sight,
    ) -> frozenset[str]:
        """Those of the events that have a child of one of these kinds by one of these users."""
        ...

    async def is_annotated(
        self, room: Room, relation: Relation, event_type: str, user_nid: int
    ) -> bool:
        """Whether this user gave this annotation through this server, and did not take it back."""
        ...
