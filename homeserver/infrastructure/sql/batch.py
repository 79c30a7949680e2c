"""A batch of writes on its way into the store, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.infrastructure.sql.writes import Row, Write


class Lease(NamedTuple):
    """A writer slot as this process holds it: `pos` is the last position committed.

    `epoch` grows each time the slot is taken; `generation` is the store's; `holder` is the
    random id of this life of the process (8 bytes).
    """

    slot: int
    epoch: int
    pos: int
    generation: bytes
    holder: bytes


class Batch(NamedTuple):
    """One transaction: it moves `lease` to `pos_to` and writes `writes` in rank order.

    `rooms` and `users` are the encoded lists of what the batch touched (see `touched.py`);
    `ts` is milliseconds since the epoch.
    """

    lease: Lease
    batch_id: bytes
    pos_to: int
    ts: int
    rooms: bytes
    users: bytes
    writes: Sequence[tuple[Write, Sequence[Row]]]
