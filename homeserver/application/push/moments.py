"""A room's newest events, each with what push rules ask about the room as it was then."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple, Protocol

from homeserver.application.ports.state_store import StateStore
from homeserver.application.ports.timeline_store import TimelineStore
from homeserver.domain.push.context import PushContext
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.power_levels import PowerLevels
from homeserver.domain.rooms.room import CREATE, MEMBER, POWER_LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room, StateKey
    from homeserver.domain.rooms.timeline import TimelineEvent


class PushStore(TimelineStore, StateStore, Protocol):
    """Reads logs, and state over time."""


class Moment(NamedTuple):
    """An event, and the reader and the room after it."""

    item: TimelineEvent
    context: PushContext


class Value(NamedTuple):
    """A state event that holds after position `seq`, None for none."""

    seq: int
    event: Event | None


class Moments:
    """The events of a room up to its head, for one reader.

    Head, tail and members are taken at once when it is made: whatever the room does while
    events are read, each is judged by the room as it was.
    """

    def __init__(self, store: PushStore, room: Room, user_id: str) -> None:
        """Begin at the room's head."""
        self._store = store
        self._room = room
        self._user_id = user_id
        self.until = room.head.seq
        self._tail = tuple(room.tail)
        self._members = len(room.members)
        self._create = room.state[CREATE]
        self._levels = {room.state_seq.get(POWER_LEVELS, 0): room.levels}
        self._now = {
            key: Value(room.state_seq.get(key, 0), room.state.get(key))
            for key in (POWER_LEVELS, (MEMBER, user_id))
        }

    async def after(self, seq: int, limit: int) -> Sequence[Moment]:
        """The newest `limit` events after a position, newest first; history of later left out.

        Reads the store for what lies behind the tail, and for state that was another then.
        """
        items = await self._items(seq, limit)
        if not items:
            return []
        levels = await self._values(POWER_LEVELS, items[0].seq)
        names = await self._values((MEMBER, self._user_id), items[0].seq)
        return list(self._walk(items, levels, names))

    async def _items(self, seq: int, limit: int) -> Sequence[TimelineEvent]:
        first = max(seq, self.until - limit) + 1
        if self._tail and self._tail[0].seq <= first:
            return [item for item in self._tail if item.seq >= first]
        return await self._store.live_events(
            self._room, after=first - 1, until=self.until, limit=limit
        )

    async def _values(self, key: StateKey, first: int) -> Sequence[Value]:
        """What a key of the state was after event `first` and later, oldest first."""
        now = self._now[key]
        if now.seq <= first:
            return [now]
        history = await self._store.history_of(self._room, key)
        return [Value(0, None), *(Value(span.from_seq, span.event) for span in history)]

    def _walk(
        self, items: Sequence[TimelineEvent], levels: Sequence[Value], names: Sequence[Value]
    ) -> Iterator[Moment]:
        """From the newest event back: each member event tells how many there were before."""
        members, parsed = self._members, self._levels
        for item in reversed(items):
            at = _at(levels, item.seq)
            held = parsed.get(at.seq)
            if held is None:
                held = parsed[at.seq] = PowerLevels.of(self._room.version, self._create, at.event)
            yield Moment(
                item,
                PushContext(
                    user_id=self._user_id,
                    display_name=display_name(_at(names, item.seq).event),
                    room_member_count=members,
                    sender_power_level=held.of_user(item.event.sender),
                    notification_levels=held.notifications,
                ),
            )
            members -= _joined(item)


def _at(values: Sequence[Value], seq: int) -> Value:
    if len(values) == 1:
        return values[0]
    return values[max(bisect_right(values, seq, key=lambda value: value.seq) - 1, 0)]


def display_name(member: Event | None) -> str | None:
    """The name that a member event shows."""
    name = member.content.get("displayname") if member is not None else None
    return name if isinstance(name, str) else None


def _joined(item: TimelineEvent) -> int:
    """How many more are joined after an event than before it."""
    event = item.event
    if event.type != MEMBER or event.state_key is None:
        return 0
    before = item.replaced is not None and item.replaced.membership == JOIN
    return (event.membership == JOIN) - before
