"""`DELETE /directory/room/{roomAlias}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.rooms.aliases import check_alias
from homeserver.domain.shared.errors import ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.alias_store import AliasRecord, AliasStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft

CANONICAL_ALIAS = "m.room.canonical_alias"


class RemoveAlias:
    """Takes an alias off its room."""

    def __init__(self, access: RoomAccess, aliases: AliasStore, writer: Writer) -> None:
        """Wire."""
        self._access = access
        self._aliases = aliases
        self._writer = writer

    async def __call__(self, requester: Requester, alias: str) -> None:
        """Remove. Raises InvalidParamError, NotFoundError, ForbiddenError.

        Who published the alias may, server administrators, and members with the power to
        set the room's canonical alias.
        """
        found = await self._aliases.find(check_alias(alias))
        if found is None:
            raise NotFoundError(f"Room alias {alias} not found.")
        if requester.user_nid != found.creator_nid and not requester.is_admin:
            await self._check_power(requester, found)

        def change(draft: Draft) -> None:
            self._aliases.remove(draft, alias, found.room_nid)

        await self._writer.submit(change)

    async def _check_power(self, requester: Requester, found: AliasRecord) -> None:
        room = await self._access.for_sending(requester, found.room_id)
        if not room.levels.may_send(requester.user_id, CANONICAL_ALIAS, is_state=True):
            raise ForbiddenError("You may not remove this alias")
