"""The logs of all writers as a worker follows them (design §2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from homeserver.application.sync.feed import RoomPlace
    from homeserver.domain.receipts.placed import PlacedReceipt
    from homeserver.domain.rooms.room import Head, Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.sync.vector import Vector

GREW: Final = 1
"""A batch added plain live events to a room: no state, nothing stripped, no branches."""
MOVED: Final = 2
"""A batch changed more of a room than that."""
STIRRED: Final = 4
"""A batch changed something beside a room's log (receipts)."""

DATA: Final = 1
"""A batch changed a user's own data: account data, places in rooms, sessions, profile."""
INBOX: Final = 2
"""A batch put messages into inboxes of a user's devices."""
PUSHERS: Final = 4
"""A batch set a pusher of the user."""
COPIED: Final = 8
"""A batch copied messages to devices of the user for an application service."""
KEYS: Final = 16
"""A batch changed the user's device or cross-signing keys, as others see them."""
COUNTS: Final = 32
"""A batch changed the one-time or fallback keys that are there for a device of the user."""
SIGNED: Final = 64
"""A batch changed signatures of the user that the user alone sees."""


class Touch(NamedTuple):
    """What a batch did to a room: the last position then, and which of the bits above."""

    room_nid: int
    seq: int
    how: int


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch in a writer's log, at positions `pos_from` to `pos_to`.

    `users` says of each user which of the bits `DATA`, `INBOX` … happened;
    `ts` is when it was written (milliseconds, by its writer's clock).
    """

    slot: int
    pos_from: int
    pos_to: int
    rooms: Sequence[Touch]
    users: Mapping[int, int]
    ts: int


@dataclass(frozen=True, slots=True)
class Fill:
    """The live events that follow a room's `base_seq`, state revision `rev`, up to `head`.

    Only plain events (`GREW`): the head's revision is `rev` too.
    """

    room_nid: int
    base_seq: int
    head: Head
    events: Sequence[TimelineEvent]


class TailReader(Protocol):
    """Reads the logs and what batches touched.

    Each method sees one instant of the store; `snapshot` makes it the same one for several.
    """

    async def positions(self) -> tuple[bytes, dict[int, int]]:
        """The store's generation, and the last position of every slot, new ones included.

        Read in one statement: with a slot's position come those of all that it was built on.
        """
        ...

    async def batches(
        self, after: Mapping[int, int], upto: Mapping[int, int], limit: int
    ) -> Sequence[BatchRow]:
        """Batches of the slots in `upto`, after < position <= upto, in (slot, position) order."""
        ...

    async def places(self, users: Collection[int], after: Vector) -> Mapping[int, list[RoomPlace]]:
        """The places of these users that were written at positions which `after` lacks."""
        ...

    async def fills(self, rooms: Collection[Room]) -> Sequence[Fill]:
        """What plain events follow each room's head, in one statement.

        A room is left out where anything else changed, or where it is too much.
        """
        ...

    async def receipts(
        self, rooms: Collection[int], after: Vector
    ) -> Mapping[int, list[PlacedReceipt]]:
        """The receipts in these rooms that `after` lacks, those of a slot in log order."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[TailReader]:
        """Open one instant of the store."""
        ...


class Tail(Protocol):
    """What moves the certified vector of this worker on."""

    def wake(self) -> None:
        """Read the logs soon: a read that begins after this call. Never waits, never raises."""
        ...
