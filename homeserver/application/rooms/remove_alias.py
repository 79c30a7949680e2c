"""`DELETE /directory/room/{roomAlias}`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from homeserver.application.rooms.aliases import CANONICAL_ALIAS, check_alias, without_alias
from homeserver.application.rooms.compose import NewEvent, compose
from homeserver.domain.shared.errors import ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.alias_store import AliasRecord, AliasStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.appservices.services import Services
    from homeserver.domain.rooms.room import Room


class RemoveAlias:
    """Takes an alias off its room."""

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

    async def __call__(self, requester: Requester, alias: str) -> None:
        """Remove. Raises InvalidParamError, NotFoundError, ExclusiveError, ForbiddenError.

        Who published the alias may, server administrators, application services in their
        namespace, and members with the power to set the room's canonical alias. Where the requester has that power, the alias goes from
        that event too.
        """
        found = await self._aliases.find(check_alias(alias))
        if found is None:
            raise NotFoundError(f"Room alias {alias} not found.")
        self._services().check_alias(alias, requester.appservice)
        by_right = requester.is_admin or requester.appservice is not None
        if requester.user_nid != found.creator_nid and not by_right:
            await self._check_power(requester, found)
        room = await self._access.for_entering(found.room_id)

        def change(draft: Draft) -> None:
            self._aliases.remove(draft, alias, found.room_nid)
            with suppress(ForbiddenError):  # the alias goes all the same, as the spec advises
                _unname(draft, room, requester, alias)

        await self._writer.submit(change)

    async def _check_power(self, requester: Requester, found: AliasRecord) -> None:
        room = await self._access.for_sending(requester, found.room_id)
        if not room.levels.may_send(requester.user_id, CANONICAL_ALIAS[0], is_state=True):
            raise ForbiddenError("You may not remove this alias")


def _unname(draft: Draft, room: Room, requester: Requester, alias: str) -> None:
    """Take the alias out of the room's canonical alias event."""
    held = draft.room(room).state(*CANONICAL_ALIAS)
    if held is None:
        return
    content: dict[str, Any] = without_alias(held.content, alias)
    if content != held.content:
        event_type, state_key = CANONICAL_ALIAS
        compose(draft, room, requester, NewEvent(event_type, content, state_key))
