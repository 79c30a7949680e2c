"""`GET /_firn/admin/v1/rooms/{roomId}/purges/{purgeId}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import NotFoundError

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.purge_store import Progress, Purge, PurgeStore


@dataclass(frozen=True, slots=True)
class GetPurge:
    """Says how far a purge is."""

    access: RoomAccess
    store: PurgeStore

    async def __call__(self, room_id: str, purge_id: str) -> tuple[Purge, Progress]:
        """The order and its progress. Raises NotFoundError."""
        room = await self.access.for_entering(room_id)
        found = await self.store.find(room, purge_id)
        if found is None:
            raise NotFoundError("No such purge of this room")
        return found
