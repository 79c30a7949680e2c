"""What was read of a room's graph, so that a change can judge events without waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.branches import Stray
from homeserver.domain.rooms.resolution import MissingEventError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from homeserver.application.ports.branch_store import BranchStore, PlacedEvent
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.ports.users import Users
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.branches import StateAt
    from homeserver.domain.rooms.room import Head, Room
    from homeserver.domain.rooms.timeline import TimelineEvent


MAX_REREADS = 5


class UnreadError(LookupError):
    """Something that a change needs was not read yet: read it and try again."""

    def __init__(self, kind: str, name: str) -> None:
        """Say what of which event or user: "state", "target", "user", or "head" of the room."""
        super().__init__(kind, name)
        self.kind = kind
        self.name = name


class KnownEvents:
    """Committed events of one room, read when a change asks for them; None: not there.

    Nothing of it is wrong later: places, states and verdicts of events never change. What
    was not there may have come where the room's head moved: then that is read again.
    """

    def __init__(
        self, room: Room, timeline: TimelineStore, branches: BranchStore, users: Users
    ) -> None:
        """Read from these."""
        self._room = room
        self._head: Head | None = None
        self._rereads = 0
        self._wanted: list[Event] = []
        self._timeline = timeline
        self._branches = branches
        self._users = users
        self._events: dict[str, PlacedEvent | Stray | None] = {}
        self._states: dict[str, StateAt | None] = {}
        self._targets: dict[str, TimelineEvent | None] = {}
        self._nids: dict[str, int] = {}
        self._redactions: dict[str, list[str]] = {}

    def event(self, event_id: str) -> PlacedEvent | Stray | None:
        """An event and its place or standing. Raises MissingEventError."""
        if event_id not in self._events:
            raise MissingEventError(event_id)
        return self._events[event_id]

    def state_after(self, event_id: str) -> StateAt | None:
        """The state after a committed event. Raises UnreadError."""
        if event_id not in self._states:
            raise UnreadError("state", event_id)
        return self._states[event_id]

    def target(self, event_id: str) -> TimelineEvent | None:
        """An event of the log, to be redacted. Raises UnreadError."""
        if event_id not in self._targets:
            raise UnreadError("target", event_id)
        return self._targets[event_id]

    def nid_of(self, user_id: str) -> int:
        """A user's internal id. Raises UnreadError."""
        if user_id not in self._nids:
            raise UnreadError("user", user_id)
        return self._nids[user_id]

    def redactions_of(self, event_id: str) -> list[str]:
        """The committed redactions that name one of the events asked for at first."""
        return self._redactions.get(event_id, [])

    def check_head(self, head: Head) -> None:
        """Make sure that nothing came since. Raises UnreadError, a few times at most.

        In a room that never rests it goes on then: what is stored twice clashes in the store.
        """
        if head is not self._head and self._rereads < MAX_REREADS:
            raise UnreadError("head", self._room.room_id)

    async def look_up(self, events: Sequence[Event], offered: Iterable[Event]) -> None:
        """Read what judging these events certainly takes."""
        self._head = self._room.head
        self._wanted = list(events)
        own = [event.event_id for event in events]
        wanted: dict[str, None] = {}
        for event in events:
            wanted.update(dict.fromkeys((event.event_id, *event.prev_events, *event.auth_events)))
        for event in offered:
            wanted.update(dict.fromkeys((event.event_id, *event.auth_events)))
        await self._read_redactions(own)
        await self._read(wanted)
        for event in events:
            await self._user(event.sender)

    async def _read_redactions(self, event_ids: Sequence[str]) -> None:
        found = await self._branches.redactions_of(self._room, event_ids)
        self._redactions = {}
        for target, by in found:
            self._redactions.setdefault(target, []).append(by)
        await self._read([by for _, by in found])

    async def _reread(self) -> None:
        """Read again what was not there."""
        self._head = self._room.head
        self._rereads += 1
        absent = [event_id for event_id, found in self._events.items() if found is None]
        strays = [i for i, found in self._events.items() if isinstance(found, Stray)]
        for event_id in (*absent, *strays):
            del self._events[event_id]
        self._targets.clear()
        self._states = {i: state for i, state in self._states.items() if state is not None}
        await self._read([*absent, *strays])
        await self._read_redactions([event.event_id for event in self._wanted])

    async def read(self, error: MissingEventError | UnreadError) -> None:
        """Read what a change asked for; of an event its whole auth chain with it."""
        if isinstance(error, MissingEventError):
            await self._chain(error.event_id)
        elif error.kind == "head":
            await self._reread()
        elif error.kind == "state":
            self._states[error.name] = await self._branches.state_after(self._room, error.name)
        elif error.kind == "target":
            self._targets[error.name] = await self._timeline.event(self._room, error.name)
        else:
            await self._user(error.name)

    async def _chain(self, event_id: str) -> None:
        wanted = [event_id]
        while wanted:
            found = await self._read(wanted)
            cited = (auth for event in found for auth in event.auth_events)
            wanted = [e for e in dict.fromkeys(cited) if e not in self._events]

    async def _read(self, event_ids: Iterable[str]) -> list[Event]:
        new = [event_id for event_id in event_ids if event_id not in self._events]
        found = await self._branches.known(self._room, new)
        self._events.update((event_id, found.get(event_id)) for event_id in new)
        return [each.event for each in found.values()]

    async def _user(self, user_id: str) -> None:
        if user_id in self._nids:
            return
        nid = await self._users.nid_of(user_id, create=True)
        if nid is not None:
            self._nids[user_id] = nid
