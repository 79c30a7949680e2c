"""The `device_lists` of /sync: whose keys a client has to ask for anew, or no more.

Client-Server API, "Extensions to /sync" of end-to-end encryption. A room is encrypted once it
has an `m.room.encryption` event; filters and lazy loading have no part in this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.application.sync.room_state import joined_at
from homeserver.application.sync.state_delta import state_at, state_changed
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.room import MEMBER, StateKey

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from homeserver.application.keys.board import KeyBoard
    from homeserver.application.ports.device_changes import DeviceChanges
    from homeserver.application.ports.state_store import StateStore
    from homeserver.application.rooms.timeline_reader import TimelineReader
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.feed import RoomPlace
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room, StateChange
    from homeserver.domain.sync.vector import Vector

ENCRYPTION: Final[StateKey] = ("m.room.encryption", "")
FEW: Final = 500
"""Keys of a past state that are asked for one by one; of more the whole state is read."""


class ListNews(NamedTuple):
    """Users by id: those whose keys are news, and those who share no encrypted room any more."""

    changed: Collection[str]
    left: Collection[str]


class Sharing:
    """What one answer says of who shares encrypted rooms with its reader.

    `met` came to share a room, or may have changed keys while they were away from it; `parted`
    are no longer in a room that they shared.
    """

    __slots__ = ("met", "parted")

    def __init__(self) -> None:
        """Begin with nobody."""
        self.met: set[str] = set()
        self.parted: set[str] = set()


class DeviceLists:
    """Works them out: from memory for who has followed, after a gap from the store."""

    def __init__(
        self,
        board: KeyBoard,
        changes: DeviceChanges,
        states: StateStore,
        timeline: TimelineReader,
    ) -> None:
        """Read from these."""
        self._board = board
        self._changes = changes
        self._states = states
        self._timeline = timeline

    def may_move(self, span: Span, room: Room, place: RoomPlace) -> bool:
        """Whether something in a room may concern this; most often memory says that it does not."""
        if span.since is None or ENCRYPTION not in room.state:
            return False
        if not span.since.covers(place.slot, place.pos):
            return True
        if place.membership != JOIN:
            return False
        known = self._timeline.known_position(room, span.since)
        return known is None or not room.state_stayed_since(known)

    async def look(self, span: Span, room: Room, place: RoomPlace, sharing: Sharing) -> None:
        """Note who came to share this room with the reader since the token, and who no longer."""
        if span.since is None:
            return
        me, joined, was_joined = span.requester.user_id, place.membership == JOIN, True
        if not span.since.covers(place.slot, place.pos):
            history = await self._states.history_of(room, (MEMBER, me))
            was_joined = joined_at(history, span.since)
        if joined and not was_joined:
            sharing.met |= room.members.keys() - {me}
        elif was_joined and not joined:
            sharing.parted |= await self._shared_at(room, span.since) - {me}
        elif joined:
            await self._members_moved(span, span.since, room, sharing)

    async def told(self, span: Span, sharing: Sharing) -> ListNews | None:
        """What the answer says; None for nothing, as in every initial one."""
        if span.since is None:
            return None
        changed = await self._changed(span, span.since) | sharing.met
        left = sharing.parted
        if left:
            left = left - set(await self._changes.sharing(span.requester.user_nid, left))
        if not (changed or left):
            return None
        return ListNews(changed - left, left)

    async def _changed(self, span: Span, since: Vector) -> set[str]:
        """Whose keys changed, of those who share an encrypted room, and the reader's own."""
        me, feed, tick = span.requester.user_nid, span.feed, span.worker_tick
        if tick is None or tick < self._board.floor:
            return set(await self._changes.changed(me, since))
        found: set[str] = set()
        if span.tick is None or feed.keys_tick > tick:
            rooms = {nid for nid, place in feed.places.items() if place.membership == JOIN}
            for change in self._board.after(tick):
                if change.user_nid == me or not rooms.isdisjoint(change.rooms):
                    found.add(change.user_id)
        if self._board.last_signed(me) > tick:
            found |= set(await self._changes.signed(me, since))
        return found

    async def _shared_at(self, room: Room, since: Vector) -> set[str]:
        """Who was in a room at a token, where the room was encrypted then."""
        state = await state_at(self._states, room, await self._timeline.position_at(room, since))
        return _joined_in(state) if ENCRYPTION in state else set()

    async def _members_moved(self, span: Span, since: Vector, room: Room, sharing: Sharing) -> None:
        """Compare the members at the token with those of now, by what changed between."""
        after = await self._timeline.position_at(room, since)
        changes = await state_changed(self._states, room, span, after, room.head.seq)
        keys = {change.key for change in changes if change.key[0] == MEMBER}
        if any(change.key == ENCRYPTION for change in changes):
            keys.add(ENCRYPTION)
        if not keys:
            return
        before = await self._before(room, after, changes, keys)
        me = span.requester.user_id
        if ENCRYPTION in keys and ENCRYPTION not in before:
            sharing.met |= room.members.keys() - {me}
            return
        for key in keys - {ENCRYPTION, (MEMBER, me)}:
            user_id, event = key[1], before.get(key)
            was_joined = event is not None and event.membership == JOIN
            member = room.members.get(user_id)
            if member is None and was_joined:
                sharing.parted.add(user_id)
            elif member is not None and not (was_joined and self._is_known(span, member.nid)):
                sharing.met.add(user_id)

    def _is_known(self, span: Span, user_nid: int) -> bool:
        """Whether a member's keys are surely those of the token, also if they were away meanwhile.

        After a gap the store tells of all who changed, wherever they were then.
        """
        tick = span.worker_tick
        return tick is None or tick < self._board.floor or self._board.last(user_nid) <= tick

    async def _before(
        self, room: Room, after: int, changes: Sequence[StateChange], keys: Collection[StateKey]
    ) -> Mapping[StateKey, Event]:
        """What these keys were at the token."""
        if room.tail_from <= after + 1:
            first: dict[StateKey, Event | None] = {}
            for change in changes:
                first.setdefault(change.key, change.replaced)
            return {key: event for key, event in first.items() if event is not None}
        if len(keys) > FEW:
            found = await self._states.state_after(room, after)
        else:
            found = await self._states.state_at(room, after, list(keys))
        # state that moved to there without an event is new to who holds the token
        moved = {change.key for change in changes if change.seq <= after}
        return {key: event for key, event in found.items() if key not in moved}


def _joined_in(state: Mapping[StateKey, Event]) -> set[str]:
    return {key[1] for key, e in state.items() if key[0] == MEMBER and e.membership == JOIN}
