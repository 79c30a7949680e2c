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

    from homeserver.application.keys.board import KeyBoard, KeyChange
    from homeserver.application.ports.device_changes import DeviceChanges
    from homeserver.application.ports.state_store import StateStore
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.rooms.timeline_reader import TimelineReader
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.sync.hub import Hub
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


class KeyGap(NamedTuple):
    """Whose keys changed between a token and a tick, for who has not followed; from the store."""

    tick: int
    users: frozenset[str]


class Sharing:
    """What one answer says of who shares encrypted rooms with its reader.

    `met` came to share a room, `parted` are no longer in a room that they shared. Who left and
    came back has met the others anew: a change of keys between may not have been told.
    """

    __slots__ = ("met", "parted")

    def __init__(self) -> None:
        """Begin with nobody."""
        self.met: set[str] = set()
        self.parted: set[str] = set()


class DeviceLists:
    """Works them out: from memory, and after a gap also from the store.

    Rooms and changes count as they are at the end of the answer, never as they will be: who was
    told too early would be told too late that it is over.
    """

    def __init__(
        self,
        hub: Hub,
        rooms: RoomRegistry,
        board: KeyBoard,
        changes: DeviceChanges,
        states: StateStore,
        timeline: TimelineReader,
    ) -> None:
        """Read from these."""
        self._hub = hub
        self._rooms = rooms
        self._board = board
        self._changes = changes
        self._states = states
        self._timeline = timeline

    def follows(self, since: Vector) -> bool:
        """Whether the board tells everything of the time since a token: there is no gap."""
        tick = self._hub.ticks.of(since)
        return tick is not None and tick >= self._board.floor

    async def gap(self, user_nid: int, since: Vector, held: KeyGap | None) -> KeyGap | None:
        """What the board cannot tell of the time since a token; None where it tells everything.

        `held` is what this gave before: it is good as long as the board knows all that follows.
        Raises UnavailableError where this worker is far behind the store.
        """
        tick = self._hub.ticks.of(since) if held is None else held.tick
        if tick is not None and tick >= self._board.floor:
            return held
        vector, users = await self._changes.changed(user_nid, since)
        await self._hub.catch_up(vector)
        return KeyGap(self._hub.ticks.of(vector) or 0, frozenset(users))

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
        since = span.since
        if since is None:
            return
        me, was_joined, stayed = span.requester.user_id, True, True
        if not since.covers(place.slot, place.pos):
            history = await self._states.history_of(room, (MEMBER, me))
            was_joined = joined_at(history, since)
            new = (each.event for each in history if not since.covers(each.slot, each.pos))
            stayed = was_joined and all(_is_join(event) for event in new)
        if place.membership != JOIN:
            if was_joined:
                sharing.parted |= await self._members_at(room, since) - {me}
            return
        if not stayed:
            sharing.met |= await self._members_at(room, span.until) - {me}
        if was_joined:
            await self._members_moved(span, since, room, sharing)

    def is_quiet(self, span: Span, sharing: Sharing) -> bool:
        """Whether memory says at once that an answer has nothing to tell."""
        tick = span.worker_tick
        return (
            not (sharing.met or sharing.parted)
            and span.key_gap is None
            and span.tick is not None
            and tick is not None
            and self._board.floor <= tick
            and span.feed.keys_tick <= tick
            and self._board.last_signed(span.requester.user_nid) <= tick
        )

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
        me, feed, gap, tick = span.requester.user_nid, span.feed, span.key_gap, span.worker_tick
        found: set[str] = set()
        if gap is not None:
            tick, found = gap.tick, await self._still(span, gap)
        if tick is None or tick < self._board.floor:  # it forgot while this answer was made
            return found | set((await self._changes.changed(me, since))[1])
        if span.tick is None or feed.keys_tick > tick:
            for change in self._board.between(tick, span.until_tick):
                if change.user_nid == me or await self._shares(span, change):
                    found.add(change.user_id)
        if self._board.last_signed(me) > tick:
            found |= set(await self._changes.signed(me, since))
        return found

    async def _still(self, span: Span, gap: KeyGap) -> set[str]:
        """Those of a gap who share a room still, if anything happened since it was read."""
        if gap.tick == span.until_tick:
            return set(gap.users)
        own = set(gap.users & {span.requester.user_id})
        return own | set(await self._changes.sharing(span.requester.user_nid, gap.users - own))

    async def _shares(self, span: Span, change: KeyChange) -> bool:
        """Whether who changed keys shares, at the end of the answer, one of their rooms of then."""
        places = span.feed.places
        for nid in change.rooms:
            place = places.get(nid)
            if place is not None and place.membership == JOIN:
                room = self._rooms.cached(nid) or await self._rooms.get_by_nid(nid)
                if await self._is_in(room, span.until, change.user_id):
                    return True
        return False

    async def _is_in(self, room: Room, vector: Vector, user_id: str) -> bool:
        """Whether somebody is in a room for the holder of a vector."""
        seq = await self._timeline.position_at(room, vector)
        if seq == room.head.seq:
            return user_id in room.members
        return _is_join((await state_at(self._states, room, seq)).get((MEMBER, user_id)))

    async def _members_at(self, room: Room, vector: Vector) -> set[str]:
        """Who is in a room for the holder of a vector, where the room is encrypted then."""
        seq = await self._timeline.position_at(room, vector)
        if seq == room.head.seq:
            return set(room.members)
        state = await state_at(self._states, room, seq)
        if ENCRYPTION not in state:
            return set()
        return {key[1] for key, event in state.items() if key[0] == MEMBER and _is_join(event)}

    async def _members_moved(self, span: Span, since: Vector, room: Room, sharing: Sharing) -> None:
        """Compare the members at the token with those at the end, by what changed between."""
        after = await self._timeline.position_at(room, since)
        followed = room.tail_from <= after + 1
        moved: dict[StateKey, list[StateChange]] = {}
        for change in await state_changed(self._states, room, span, after, room.head.seq):
            if change.key[0] == MEMBER or change.key == ENCRYPTION:
                moved.setdefault(change.key, []).append(change)
        if not moved:
            return
        before = await self._before(room, after, moved, followed=followed)
        me = span.requester.user_id
        if ENCRYPTION in moved and ENCRYPTION not in before:
            sharing.met |= await self._members_at(room, span.until) - {me}
            return
        for key in moved.keys() - {ENCRYPTION, (MEMBER, me)}:
            joined, was_joined = _is_join(moved[key][-1].event), _is_join(before.get(key))
            # what came between is known to memory alone
            stayed = followed and all(_is_join(change.event) for change in moved[key])
            if joined and not (was_joined and stayed):
                sharing.met.add(key[1])
            elif was_joined and not joined:
                sharing.parted.add(key[1])

    async def _before(
        self,
        room: Room,
        after: int,
        moved: Mapping[StateKey, Sequence[StateChange]],
        *,
        followed: bool,
    ) -> Mapping[StateKey, Event]:
        """What these keys were at the token."""
        if followed:
            first = {key: changes[0].replaced for key, changes in moved.items()}
            return {key: event for key, event in first.items() if event is not None}
        if len(moved) > FEW:
            found = await self._states.state_after(room, after)
        else:
            found = await self._states.state_at(room, after, list(moved))
        # state that moved to there without an event is new to who holds the token
        new = {key for key, changes in moved.items() if changes[0].seq <= after}
        return {key: event for key, event in found.items() if key not in new}


def _is_join(event: Event | None) -> bool:
    return event is not None and event.membership == JOIN
