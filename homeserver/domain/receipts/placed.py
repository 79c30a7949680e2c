"""Receipts as a room keeps them in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeserver.domain.receipts.receipts import Receipt, ReceiptKey
    from homeserver.domain.sync.vector import Vector


@dataclass(frozen=True, slots=True)
class PlacedReceipt:
    """A receipt at its place in a writer's log.

    `notify_ord` is the room's count of notifying events up to the event that was read.
    """

    receipt: Receipt
    user_nid: int
    notify_ord: int
    slot: int
    pos: int


class Receipts(dict["ReceiptKey", PlacedReceipt]):
    """One receipt for each key, latest change last; the changes of one slot in log order.

    `newest` is how far those of each slot go.
    """

    __slots__ = ("newest",)

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self.newest: dict[int, int] = {}

    def place(self, placed: PlacedReceipt) -> bool:
        """Put a receipt in the place of an older one; False where it is no news."""
        key = placed.receipt.key
        held = self.get(key)
        if not placed.receipt.replaces(held.receipt if held is not None else None):
            return False
        self.pop(key, None)
        self[key] = placed
        self.newest[placed.slot] = max(placed.pos, self.newest.get(placed.slot, 0))
        return True

    def after(self, seen: Vector) -> Iterator[PlacedReceipt]:
        """Give the receipts that a vector does not cover, latest change first.

        Looks at those before the first that is covered, of each slot which has any others.
        """
        behind = {slot for slot, pos in self.newest.items() if not seen.covers(slot, pos)}
        if not behind:
            return
        for placed in reversed(self.values()):
            if not seen.covers(placed.slot, placed.pos):
                yield placed
                continue
            behind.discard(placed.slot)
            if not behind:
                return

    def moved_since(self, seen: Vector) -> bool:
        """Whether there is one that a vector does not cover."""
        return any(not seen.covers(slot, pos) for slot, pos in self.newest.items())
