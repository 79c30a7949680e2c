"""`PUT /directory/list/appservice/{networkId}/{roomId}` ("Published room directories")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.appservices.third_party import instance_id

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.directory_store import DirectoryStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft


class ShowInNetwork:
    """Lets the directory of a service's network show a room; it need not be published."""

    def __init__(self, access: RoomAccess, directory: DirectoryStore, writer: Writer) -> None:
        """Wire."""
        self._access = access
        self._directory = directory
        self._writer = writer

    async def __call__(
        self, requester: Requester, network_id: str, room_id: str, *, shown: bool
    ) -> None:
        """Show it, or no longer; the requester is an application service.

        Raises NotFoundError for an unknown room.
        """
        room = await self._access.for_entering(room_id)
        network = instance_id(requester.appservice or "", network_id)

        def change(draft: Draft) -> None:
            self._directory.show_in_network(draft, draft.room(room), network, shown=shown)

        await self._writer.submit(change)
