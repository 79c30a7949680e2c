"""Where a committed batch goes: to the readers of this worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from homeserver.domain.rooms.room import Room


class Stream(Protocol):
    """The certified log as the readers of this worker see it."""

    def certify(
        self, slot: int, pos: int, rooms: Collection[Room], users: Collection[int]
    ) -> None:
        """Make a batch visible: its rooms are up to date in memory, its users were touched.

        Called in log order for each slot; everything that waits for it wakes.
        """
        ...
