"""`PUT /rooms/{roomId}/state/{eventType}/{stateKey}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.application.rooms.aliases import CANONICAL_ALIAS, BadAliasError, check_alias
from homeserver.application.rooms.compose import NewEvent, compose
from homeserver.application.rooms.put_out_guests import UnreadGuestsError
from homeserver.domain.rooms.auth.power_levels import check_form
from homeserver.domain.rooms.guest_access import GUEST_ACCESS
from homeserver.domain.rooms.room import CREATE, MEMBER, POWER_LEVELS
from homeserver.domain.shared.canonical_json import same_json
from homeserver.domain.shared.errors import BadJsonError

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.alias_store import AliasStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.put_out_guests import PutOutGuests
    from homeserver.application.rooms.set_member import SetMember
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.shared.json import JsonObject


class SendState:
    """Sets one key of a room's state."""

    def __init__(
        self,
        access: RoomAccess,
        aliases: AliasStore,
        set_member: SetMember,
        writer: Writer,
        guests: PutOutGuests,
    ) -> None:
        """Wire."""
        self._guests = guests
        self._access = access
        self._aliases = aliases
        self._set_member = set_member
        self._writer = writer

    async def __call__(
        self,
        requester: Requester,
        room_id: str,
        event_type: str,
        state_key: str,
        content: dict[str, Any],
    ) -> str:
        """Return the id of the event that now holds.

        Sending what the same user has set already gives the event that holds: clients
        repeat these requests without a transaction id. Raises what `compose` and
        `SetMember` raise, BadAliasError, and BadJsonError for malformed power levels.
        """
        if event_type == MEMBER:
            return await self._set_member(requester, room_id, state_key, content)
        room = await self._access.for_sending(requester, room_id)
        if (event_type, state_key) == CANONICAL_ALIAS:
            await self._check_aliases(room, content)
        if event_type == POWER_LEVELS[0]:
            _check_levels(room, content)
        new = NewEvent(event_type, content, state_key=state_key)

        def change(draft: Draft) -> str:
            held = draft.room(room).state(event_type, state_key)
            if held is not None and _is_same(held, requester, content):
                return held.event_id
            return compose(draft, room, requester, new).event.event_id

        if (event_type, state_key) == GUEST_ACCESS:
            return await self._with_guests(room, change)
        return await self._writer.submit(change)

    async def _with_guests(self, room: Room, change: Callable[[Draft], str]) -> str:
        look = self._guests.begin()

        def both(draft: Draft) -> str:
            event_id = change(draft)
            look.leave(draft, room)
            return event_id

        while True:
            try:
                return await self._writer.submit(both)
            except UnreadGuestsError as error:
                await look.read(error)

    async def _check_aliases(self, room: Room, content: JsonObject) -> None:
        """Hold aliases that the event adds to their grammar and to pointing here."""
        held = room.state.get(CANONICAL_ALIAS)
        known = _aliases_in(held.content, strict=False) if held is not None else []
        for alias in _aliases_in(content, strict=True):
            if alias in known:
                continue
            found = await self._aliases.find(check_alias(alias))
            if found is None or found.room_nid != room.nid:
                raise BadAliasError(f"The alias '{alias}' does not point to this room.")


def _check_levels(room: Room, content: JsonObject) -> None:
    """Tell apart what nobody may write here (400) and what the sender may not (403)."""
    failure = check_form(room.version, room.state[CREATE], content)
    if failure is not None:
        raise BadJsonError(f"{failure.reason} (rule {failure.rule})")


def _is_same(held: Event, requester: Requester, content: JsonObject) -> bool:
    """Whether the requester set this very content before."""
    return held.sender == requester.user_id and same_json(held.content, content)


def _aliases_in(content: JsonObject, *, strict: bool) -> list[str]:
    """All aliases of a canonical alias event; of a `strict` one BadJsonError for nonsense."""
    alias, others = content.get("alias"), content.get("alt_aliases", [])
    listed = others if isinstance(others, list) else []
    every = [a for a in (alias, *listed) if a is not None and a != ""]
    texts = [a for a in every if isinstance(a, str)]
    if strict and (len(texts) != len(every) or not isinstance(others, list)):
        raise BadJsonError("alias must be a string, alt_aliases a list of strings")
    return texts
