"""Where a committed batch goes: to the readers of this worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.room import Room


class Stream(Protocol):
    """The certified log as the readers of this worker see it."""

    def certify(
        self,
        slot: int,
        pos: int,
        rooms: Collection[RoomDraft],
        stirred: Collection[Room],
        users: Mapping[int, int],
    ) -> None:
        """Make a batch visible up to position `pos` of a slot's log.

        `rooms` got events and are up to date in memory, `stirred` rooms changed without an
        event (receipts), `users` have changed data of their own or messages (bits `DATA` and
        `INBOX` of `ports.tail`). Called in log order for each slot, without an await since memory moved; everything that waits wakes.
        """
        ...
