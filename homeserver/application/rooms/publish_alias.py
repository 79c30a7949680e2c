"""`PUT /directory/room/{roomAlias}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.rooms.aliases import AliasExistsError, check_own_alias
from homeserver.domain.shared.identifiers import domain_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.alias_store import AliasStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.appservices.services import Services


class PublishAlias:
    """Gives a room one more alias; every member may."""

    def __init__(
        self,
        access: RoomAccess,
        aliases: AliasStore,
        writer: Writer,
        services: Callable[[], Services],
    ) -> None:
        """Wire."""
        self._access = access
        self._aliases = aliases
        self._writer = writer
        self._services = services

    async def __call__(self, requester: Requester, alias: str, room_id: str) -> None:
        """Publish. Raises InvalidParamError, ExclusiveError, ForbiddenError, AliasExistsError."""
        check_own_alias(alias, domain_of(requester.user_id))
        self._services().check_alias(alias, requester.appservice)
        room = await self._access.for_members(requester, room_id)
        taken = AliasExistsError(f"Room alias {alias} already exists.")
        if await self._aliases.find(alias) is not None:
            raise taken

        def change(draft: Draft) -> None:
            self._aliases.add(draft, alias, room.nid, requester.user_nid)

        await self._writer.submit(change, conflict=taken)
