"""What one room notified a reader of, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.application.push.moments import Moments
from homeserver.application.push.tallies import MAX_JUDGED
from homeserver.domain.push.lines import outcome_of
from homeserver.domain.push.properties import push_properties
from homeserver.domain.push.ruleset import evaluate
from homeserver.domain.rooms.membership import INVITE, JOIN
from homeserver.domain.rooms.room import MEMBER, TAIL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeserver.application.push.moments import Moment, PushStore
    from homeserver.domain.events.event import Event
    from homeserver.domain.push.actions import Actions
    from homeserver.domain.push.lines import Lines
    from homeserver.domain.push.ruleset import Ruleset
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.visibility import VisibilityWindow

PIECES: Final = (TAIL, MAX_JUDGED)
"""How many of a room's newest events are looked at: first those in memory, then all that count."""


class Mark(NamedTuple):
    """A place in the list of all rooms' events: by time, then room, then position."""

    ts: int
    room_nid: int
    seq: int


class Judge(NamedTuple):
    """A reader's rules in one room: all of them, and reduced to what decides there."""

    rules: Ruleset
    lines: Lines
    ignored: frozenset[str]

    def actions(self, moment: Moment) -> Actions | None:
        """What an event does for the reader, None where it does not notify."""
        item, context = moment
        sender = item.event.sender
        if item.redacted_because is not None or sender == context.user_id:
            return None
        properties = push_properties(item.event)
        if sender in self.ignored or not outcome_of(self.lines, properties, context)[0]:
            return None
        return evaluate(self.rules, properties, context)


class NotifiedRoom:
    """Walks back through one room's newest events."""

    def __init__(
        self,
        store: PushStore,
        room: Room,
        user_id: str,
        window: VisibilityWindow[float],
        judge: Judge,
        read: int,
    ) -> None:
        """Begin at the room's head; the reader has read up to position `read`.

        `moment` is the current event, None before the first and after the last one, `mark`
        its place in the list.
        """
        self.room = room
        self.window = window
        self.judge = judge
        self.read = read
        self._user_id = user_id
        self._moments = Moments(store, room, user_id)
        self._pieces = iter(PIECES)
        self._done = self._moments.until + 1
        self._events: Iterator[Moment] = iter(())
        self.moment: Moment | None = None
        self.mark = Mark(0, room.nid, 0)

    async def go_on(self, before: Mark | None) -> bool:
        """Move to the next older event before a mark that the reader was told of.

        Who is in the room is, and who is invited to it of the invitation.
        """
        while True:
            for moment in self._events:
                event, self._done = moment.item.event, moment.item.seq
                mark = Mark(event.origin_server_ts, self.room.nid, self._done)
                if self._was_told(event) and (before is None or mark < before):
                    self.moment, self.mark = moment, mark
                    return True
            size = next(self._pieces, None)
            if size is None or self._done <= 1:
                self.moment = None
                return False
            found = await self._moments.after(max(self._moments.until - size, 0), size)
            self._events = iter([m for m in found if m.item.seq < self._done])

    def _was_told(self, event: Event) -> bool:
        """Whether the current event was one for the reader."""
        membership = self.window.membership_at(self._done)
        if membership == INVITE:
            return event.type == MEMBER and event.state_key == self._user_id
        return membership == JOIN
