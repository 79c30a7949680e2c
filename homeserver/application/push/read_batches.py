"""What a stretch of everybody's logs touched, for the push role."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from homeserver.application.ports.tail import DATA, PUSHERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.ports.tail import BatchRow, TailReader

AT_ONCE: Final = 1_000
MOST: Final = 50_000
"""Batches of one stretch. Who is further behind goes on from the end."""


@dataclass(slots=True)
class Touched:
    """Rooms with the last position and what happened (`ports.tail`), and users.

    `times` has, by slot, where its batches end and when they were written.
    """

    rooms: dict[int, tuple[int, int]] = field(default_factory=dict)
    users: dict[int, int] = field(default_factory=dict)
    times: dict[int, tuple[list[int], list[int]]] = field(default_factory=dict)
    batches: int = 0

    def note(self, row: BatchRow) -> None:
        """Add a batch; those of a slot come in order."""
        self.batches += 1
        for nid, seq, how in row.rooms:
            held_seq, held_how = self.rooms.get(nid, (0, 0))
            self.rooms[nid] = (max(seq, held_seq), how | held_how)
        for user, what in row.users.items():
            self.users[user] = what | self.users.get(user, 0)
        ends, times = self.times.setdefault(row.slot, ([], []))
        ends.append(row.pos_to)
        times.append(row.ts)

    def time_of(self, slot: int, pos: int) -> int:
        """When what stands at a position was written (ms); 0 for what is not of the stretch."""
        ends, times = self.times.get(slot, ((), ()))
        at = bisect_left(ends, pos)
        return times[at] if at < len(times) else 0

    def changed(self) -> list[int]:
        """Users whose own data changed."""
        return [user for user, what in self.users.items() if what & DATA]

    def equipped(self) -> list[int]:
        """Users who set a pusher."""
        return [user for user, what in self.users.items() if what & PUSHERS]


async def read_batches(
    tail: TailReader, after: Mapping[int, int], upto: Mapping[int, int]
) -> Touched | None:
    """Read all batches of the slots in `upto`, after < position <= upto.

    All or none: in the middle the vector would not be closed. None where the logs have a hole
    behind `after`, because it is older than what is kept, and where it is too much.
    """
    at = {slot: after.get(slot, 0) for slot in upto}
    ahead = {slot: pos for slot, pos in upto.items() if at[slot] < pos}
    found = Touched()
    while ahead:
        rows = await tail.batches(at, ahead, AT_ONCE)
        for row in rows:
            if row.pos_from != at[row.slot] + 1:
                return None
            at[row.slot] = row.pos_to
            found.note(row)
        if not rows or found.batches > MOST:
            return None
        ahead = {slot: pos for slot, pos in ahead.items() if at[slot] < pos}
    return found
