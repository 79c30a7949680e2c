"""`GET /directory/room/{roomAlias}`, and endpoints that take an alias for a room id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.ports.unknown_ids import NobodyElse
from homeserver.application.rooms.aliases import check_alias
from homeserver.domain.shared.errors import InvalidParamError, NotFoundError
from homeserver.domain.shared.identifiers import is_room_id

if TYPE_CHECKING:
    from homeserver.application.ports.alias_store import AliasStore
    from homeserver.application.ports.unknown_ids import UnknownIds


class ResolveAlias:
    """Finds the room that an alias of this server names."""

    def __init__(self, aliases: AliasStore, unknown: UnknownIds | None = None) -> None:
        """Look here; `unknown` is asked for what is not there."""
        self._aliases = aliases
        self._unknown = unknown or NobodyElse()

    async def __call__(self, alias: str) -> str:
        """Return the room id. Raises InvalidParamError, NotFoundError."""
        found = await self._aliases.find(check_alias(alias))
        if found is None and await self._unknown.for_alias(alias):
            found = await self._aliases.find(alias)
        if found is None:
            raise NotFoundError(f"Room alias {alias} not found.")
        return found.room_id

    async def either(self, room_id_or_alias: str) -> str:
        """Return the room id, given either. Raises InvalidParamError, NotFoundError."""
        if room_id_or_alias.startswith("#"):
            return await self(room_id_or_alias)
        if not is_room_id(room_id_or_alias):
            raise InvalidParamError("Neither a room id nor an alias")
        return room_id_or_alias
