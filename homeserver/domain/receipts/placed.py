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


Receipts = dict["ReceiptKey", PlacedReceipt]
"""One receipt for each key, latest change last; the changes of one slot in log order."""


def place_receipt(receipts: Receipts, placed: PlacedReceipt) -> bool:
    """Put a receipt in the place of an older one; False where it is no news."""
    key = placed.receipt.key
    held = receipts.get(key)
    if not placed.receipt.replaces(held.receipt if held is not None else None):
        return False
    receipts.pop(key, None)
    receipts[key] = placed
    return True


def receipts_after(receipts: Receipts, seen: Vector) -> Iterator[PlacedReceipt]:
    """Give the receipts that a vector does not cover, latest change first.

    With one writer this looks at no more than it gives.
    """
    done: set[int] = set()
    slots = {slot for slot, _ in seen}
    for placed in reversed(receipts.values()):
        if placed.pos > seen[placed.slot]:
            yield placed
            continue
        done.add(placed.slot)
        if done == slots:
            return
