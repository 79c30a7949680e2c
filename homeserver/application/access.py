"""The gates: the only ways to a room. Who skips one is found by looking for `rooms.get`.

Each gate answers with what the requester may do there, or raises ForbiddenError; a room
that does not exist is refused the same way, so that ids cannot be probed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.room import HISTORY_VISIBILITY, MEMBER
from homeserver.domain.rooms.visibility import VisibilityWindow
from homeserver.domain.shared.errors import ForbiddenError, NotFoundError
from homeserver.domain.sync.vector import Vector

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from homeserver.application.ports.membership_store import MembershipStore
    from homeserver.application.ports.state_store import StateSpan, StateStore
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent

WORLD_READABLE = "world_readable"
MAX_WINDOWS = 20_000
_NOT_HERE = "You are not in this room"  # one text, so that room ids cannot be probed


class Placed(Protocol):
    """Whatever stands at a place of a room's log."""

    @property
    def seq(self) -> int:
        """The place among live events."""

    @property
    def back(self) -> int:
        """0, or how far behind that, below 0."""


def place_of(item: Placed) -> float:
    """Where an event stands for a window: history that arrived behind n is older than n."""
    return item.seq - 0.5 if item.back else item.seq


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as one user may read it.

    `window` says which positions the user may see, `until` is the last position whose state
    the user may ask for: the head for members, the leave event for those who left.
    """

    room: Room
    window: VisibilityWindow[float]
    membership: str | None
    until: int

    def sees(self, item: Placed) -> bool:
        """Whether the user may read an event of the room's log."""
        floor = self.room.floor
        if item.seq > self.until or (floor.seq and floor.hides(item.seq, item.back)):
            return False
        return self.window.sees(place_of(item))

    def membership_at(self, item: TimelineEvent) -> str:
        """The user's membership at an event, for its `unsigned`."""
        return self.window.membership_at(place_of(item))


@dataclass(frozen=True, slots=True)
class _Window:
    """A visibility window and the state events that it holds under."""

    member: Event | None
    visibility: Event | None
    window: VisibilityWindow[float]


class RoomAccess:
    """Opens rooms for requesters."""

    def __init__(
        self,
        rooms: RoomRegistry,
        store: StateStore,
        memberships: MembershipStore,
        *,
        catch_up: Callable[[Vector], Awaitable[None]] | None = None,
    ) -> None:
        """Look rooms up here.

        With `catch_up` (of the hub) other workers write too: nobody reads, and nobody is refused,
        by what is in memory before that was compared with the head in the store. Who writes
        events needs no such look: the head's compare-and-set refuses what was judged on an
        older room.
        """
        self._rooms = rooms
        self._wait_for = catch_up
        self._store = store
        self._memberships = memberships
        self._windows: OrderedDict[tuple[int, str], _Window] = OrderedDict()

    async def for_sending(self, requester: Requester, room_id: str) -> Room:
        """A room that the requester is joined to; the auth rules decide the rest."""
        room = await self._known(room_id)
        if room.membership_of(requester.user_id) != JOIN:
            await self._renew(room)
            if room.membership_of(requester.user_id) != JOIN:
                raise ForbiddenError(_NOT_HERE)
        return room

    async def for_members(self, requester: Requester, room_id: str) -> Room:
        """A room that the requester is joined to now."""
        await self._renew(await self._known(room_id))
        return await self.for_sending(requester, room_id)

    async def for_any_of(
        self, requester: Requester, has_user: Callable[[str], bool], room_id: str
    ) -> Room:
        """A room that the requester or another of some users is joined to now. ForbiddenError."""
        room = await self._known(room_id)
        await self._renew(room)
        if requester.user_id not in room.members and not any(map(has_user, room.members)):
            raise ForbiddenError(_NOT_HERE)
        return room

    async def for_entering(self, room_id: str) -> Room:
        """A room to join or knock on; the auth rules decide. Raises NotFoundError."""
        room = await self._rooms.get(room_id)
        await self._renew(room)
        return room

    async def for_leaving(self, requester: Requester, room_id: str) -> Room:
        """A room that the requester has, or once had, any membership in."""
        room = await self._known(room_id)
        await self._renew(room)
        if room.membership_of(requester.user_id) is None:
            raise ForbiddenError("You are not in this room")
        return room

    async def joined_by_nid(self, requester: Requester, nid: int) -> Room | None:
        """A room of the requester's own list, None where they are not joined any more."""
        return await self.by_nid(requester, nid, JOIN)

    async def by_nid(self, requester: Requester, nid: int, membership: str) -> Room | None:
        """A room of the requester's own list, None where they stand otherwise to it now."""
        room = await self._rooms.get_by_nid(nid)
        await self._renew(room)
        return room if room.membership_of(requester.user_id) == membership else None

    async def is_joined(self, user_id: str, room_id: str) -> bool:
        """Whether a user is in a room that this server knows."""
        try:
            room = await self.for_entering(room_id)
        except NotFoundError:
            return False
        return room.membership_of(user_id) == JOIN

    async def for_reading(self, requester: Requester, room_id: str) -> RoomView:
        """A room that the requester is or was in, or that the world may read.

        Whoever forgot a room was never in it. Members find all that any worker acknowledged
        before. Raises ForbiddenError, and UnavailableError where this worker cannot follow the
        others.
        """
        room, user_id = await self._known(room_id), requester.user_id
        await self._renew(room)
        membership = room.membership_of(user_id)
        visibility = room.content_of(HISTORY_VISIBILITY, "history_visibility")
        window = await self.window(room, user_id)
        if membership == JOIN or visibility == WORLD_READABLE:
            await self._catch_up(room)
            return RoomView(room, window, membership, room.certified)
        left = self._left_at(await self._store.history_of(room, (MEMBER, user_id)))
        if left is None or await self._memberships.is_forgotten(requester.user_nid, room.nid):
            raise ForbiddenError(_NOT_HERE)
        return RoomView(room, window, membership, min(left, room.certified))

    async def window(self, room: Room, user_id: str) -> VisibilityWindow[float]:
        """Which positions of the room this user may see.

        Kept for as long as the two state events that decide it are the current ones.
        """
        member, visibility = room.state.get((MEMBER, user_id)), room.state.get(HISTORY_VISIBILITY)
        key = (room.nid, user_id)
        known = self._windows.get(key)
        if known is None or known.member is not member or known.visibility is not visibility:
            memberships = await self._store.history_of(room, (MEMBER, user_id))
            visibilities = await self._store.history_of(room, HISTORY_VISIBILITY)
            window = VisibilityWindow(
                _values(memberships, "membership"), _values(visibilities, "history_visibility")
            )
            known = self._windows[key] = _Window(member, visibility, window)
        self._windows.move_to_end(key)
        if len(self._windows) > MAX_WINDOWS:
            self._windows.popitem(last=False)
        return known.window

    async def _renew(self, room: Room) -> None:
        """See what other workers did to a room, however short ago."""
        if self._wait_for is not None:
            await self._rooms.renew(room)

    async def _catch_up(self, room: Room) -> None:
        """Wait until the readers here may see all that the room has."""
        head = room.head
        if self._wait_for is not None and room.certified < head.seq:
            await self._wait_for(Vector({head.slot: head.pos}))

    async def _known(self, room_id: str) -> Room:
        try:
            return await self._rooms.get(room_id)
        except NotFoundError:
            raise ForbiddenError(_NOT_HERE) from None

    def _left_at(self, memberships: Sequence[StateSpan]) -> int | None:
        """Where a former member's view ends: at the event that ended the last join."""
        joined = [i for i, s in enumerate(memberships) if s.event and s.event.membership == JOIN]
        if not joined:
            return None
        return memberships[joined[-1]].to_seq


def _values(spans: Sequence[StateSpan], field: str) -> list[tuple[float, str]]:
    values: list[tuple[float, str]] = []
    for span in spans:
        value = span.event.content.get(field) if span.event is not None else None
        values.append((span.from_seq, value if isinstance(value, str) else ""))
    return values
