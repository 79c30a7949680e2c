"""Counting unread events by rules that the room's ordinals cannot serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from homeserver.application.push.moments import Moments
from homeserver.domain.push.lines import outcome_of
from homeserver.domain.push.properties import push_properties
from homeserver.domain.push.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.push.moments import Moment, PushStore
    from homeserver.domain.push.lines import Lines
    from homeserver.domain.rooms.room import Room

MAX_JUDGED: Final = 1000
"""How many of a room's newest events count at most, for users with rules of their own."""


class Tallies:
    """Judges each event once for each reader who asks, and remembers the outcome with the room.

    Nothing is written and nothing is done for who does not ask; a memory that was lost is made
    anew from the log.
    """

    def __init__(self, store: PushStore) -> None:
        """Read from this store what the room has not in memory."""
        self._store = store

    async def of(
        self,
        room: Room,
        reader: tuple[str, int],
        lines: Lines,
        ignored: frozenset[str],
        after: int,
    ) -> Tally:
        """The events after a position that notify and highlight the reader (id, number).

        It may know of earlier ones too, and looks no further back than `MAX_JUDGED`.
        """
        user_id, user_nid = reader
        tallies = room.notices.tallies
        while True:
            moments, stripped = Moments(self._store, room, user_id), room.notices.stripped
            after = max(after, moments.until - MAX_JUDGED)
            held = tallies.get(user_nid)
            tally = held if held is not None and held.serves(lines, ignored, after) else None
            if tally is None:
                tally = Tally(lines, ignored, after, after)
            if tally.until < moments.until:
                new = await moments.after(max(tally.until, after), MAX_JUDGED)
                tally = _continued(tally, after, moments.until, new)
            if room.notices.stripped == stripped and tallies.get(user_nid) is held:
                tallies[user_nid] = tally
                return tally


def _continued(tally: Tally, after: int, until: int, new: Sequence[Moment]) -> Tally:
    notified, highlighted = list[int](), list[int]()
    for item, context in reversed(new):
        event = item.event
        if event.sender == context.user_id or event.sender in tally.ignored:
            continue
        if item.redacted_because is None:
            notify, highlight = outcome_of(tally.lines, push_properties(event), context)
            if notify:
                notified.append(item.seq)
            if highlight:
                highlighted.append(item.seq)
    return tally.continued(after, until, notified, highlighted)
