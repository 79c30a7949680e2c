"""Where a room's log begins for its readers, after its history was purged."""

from __future__ import annotations

from typing import Final, NamedTuple


class Floor(NamedTuple):
    """The end of what was purged: the live event at position `seq` and all before it.

    History that arrived behind the next event is older than that one and purged too.
    `notify_ord` counts the notifying events up to `seq`; what is purged counts for nobody.
    `(slot, pos)` is where the purge was written. A floor never falls.
    """

    seq: int = 0
    notify_ord: int = 0
    slot: int = 0
    pos: int = 0

    @property
    def bound(self) -> tuple[int, int]:
        """The last (seq, back) that is purged; before all positions where nothing is."""
        return (self.seq + 1, -1) if self.seq else (0, 0)

    def hides(self, seq: int, back: int = 0) -> bool:
        """Whether the event at a position was purged."""
        return self.seq > 0 and (seq, back) <= self.bound


NO_FLOOR: Final = Floor()
