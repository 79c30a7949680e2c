"""The `presence` of /sync: of users who share a room, when the reader's turn has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from homeserver.application.presence.board import MOST
from homeserver.application.presence.content import presence_content
from homeserver.application.sync.rules import Named
from homeserver.domain.presence.presence import OFFLINE
from homeserver.domain.rooms.membership import JOIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from homeserver.application.ports.clock import Clock
    from homeserver.application.presence.board import PresenceBoard
    from homeserver.application.presence.person import Attendance, Person
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.feed import Feed
    from homeserver.domain.rooms.room import Room

PRESENCE: Final = "m.presence"
_BEGINNING: Final = -1
_encode = msgspec.json.Encoder().encode


class PresencePart:
    """Builds it, and notes on the board who polls."""

    def __init__(self, board: PresenceBoard, rooms: RoomRegistry, clock: Clock) -> None:
        """Read from this board."""
        self._board = board
        self._rooms = rooms
        self._clock = clock

    def attend(self, requester: Requester, state: str) -> Attendance | None:
        """See `PresenceBoard.attend`."""
        return self._board.attend(requester, state)

    def leave(self, attendance: Attendance | None) -> None:
        """See `PresenceBoard.leave`."""
        self._board.leave(attendance)

    def heard_then(self, feed: Feed, since: int | None) -> int | None:
        """The tick that a reader has after this answer: its own where it is not its turn."""
        return self._board.tick if self._board.is_due(feed, since) else since

    async def __call__(self, span: Span, entered: Sequence[Room]) -> list[bytes]:
        """Return the events that are new; of the rooms just entered all who are present.

        The reader's own presence alone is no news: the reader made it.
        """
        wanted = dict.fromkeys(entered, _BEGINNING) if entered and self._board.enabled() else {}
        if span.presence_since != span.presence_until:
            since = _BEGINNING if span.presence_since is None else span.presence_since
            joined = [nid for nid, place in span.feed.places.items() if place.membership == JOIN]
            for nid in self._board.rooms_changed(since, joined):
                wanted.setdefault(await self._rooms.get_by_nid(nid), since)
        if not wanted:
            return []
        limit = min(MOST, span.request.filter.presence.limit or MOST)
        found: dict[int, Person] = {}
        for room, since in wanted.items():
            for person in self._visible(span, room, since):
                found[person.nid] = person
                if len(found) == limit:
                    return self._rendered(found)
        if not span.initial and found.keys() <= {span.requester.user_nid}:
            return []
        return self._rendered(found)

    def _visible(self, span: Span, room: Room, since: int) -> Iterator[Person]:
        """Those of a room who changed, and whom the reader may see and wants to."""
        accepts = span.rules.presence
        for person in self._board.changed_in(room.nid, since):
            if since == _BEGINNING and person.shown.state == OFFLINE:
                continue
            if person.user_id in span.ignored or room.membership_of(person.user_id) != JOIN:
                continue
            if accepts is None or accepts(Named(PRESENCE, person.user_id)):
                yield person

    def _rendered(self, found: dict[int, Person]) -> list[bytes]:
        now_ms = self._clock.now_ms()
        return [_event(person, now_ms) for person in found.values()]


def _event(person: Person, now_ms: int) -> bytes:
    """A person's event, made once a second for all readers."""
    made_of = (person.word, person.active_ms, now_ms // 1000)
    if person.rendered is None or person.rendered[0] != made_of:
        content = presence_content(person, now_ms)
        body = _encode({"type": PRESENCE, "sender": person.user_id, "content": content})
        person.rendered = made_of, body
    return person.rendered[1]
