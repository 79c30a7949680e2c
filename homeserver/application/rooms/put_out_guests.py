"""Guests leave a room that closes to them (client-server API, "Guest Access")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.requester import Requester
from homeserver.application.rooms.compose import NewEvent, compose
from homeserver.domain.accounts.guest import may_be_guest
from homeserver.domain.rooms.guest_access import is_open_to_guests
from homeserver.domain.rooms.membership import JOIN, LEAVE
from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.guest_store import GuestStore
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.room import Room


class UnreadGuestsError(LookupError):
    """Of these members it was not read whether they are guests: read it and try again."""

    def __init__(self, user_ids: Sequence[str]) -> None:
        """Say of whom."""
        super().__init__(*user_ids)
        self.user_ids = user_ids


class PutOutGuests:
    """Lets this server's guests leave in the very batch that closes a room.

    So no crash comes between, nobody joins after it, and who joined between a look and the
    batch is looked at then: the batch is computed anew where the room has moved.
    """

    def __init__(self, guests: GuestStore, server_name: str) -> None:
        """Look here who is a guest."""
        self._guests = guests
        self._server_name = server_name

    def begin(self) -> GuestLook:
        """What one request knows of guests; nothing at first."""
        return GuestLook(self._guests, self._server_name)


class GuestLook:
    """Who of a room's members is a guest of this server, as far as it was asked."""

    def __init__(self, guests: GuestStore, server_name: str) -> None:
        """Know of nobody."""
        self._guests = guests
        self._server_name = server_name
        self._known: dict[str, Requester | None] = {}

    async def read(self, error: UnreadGuestsError) -> None:
        """Look up whom a change asked for."""
        self._known.update(dict.fromkeys(error.user_ids))
        for user, nid in await self._guests.among(error.user_ids):
            self._known[user] = Requester(user, nid, None, 0, is_guest=True)

    def leave(self, draft: Draft, room: Room, *, was_open: bool = True) -> None:
        """Let all guests leave a room that is closed at this point of the batch.

        With `was_open` False it was closed before: nothing is done.
        Raises UnreadGuestsError where it is not known who is one.
        """
        state = draft.room(room)
        if not was_open or is_open_to_guests(state):
            return
        members = state.room.members.keys() | state.joined.keys()
        names = sorted(user for user in members if self._may_be_here(state, user))
        unread = [user for user in names if user not in self._known]
        if unread:
            raise UnreadGuestsError(unread)
        for guest in map(self._known.__getitem__, names):
            if guest is not None:
                content = {"membership": LEAVE, "reason": "This room is not open to guests"}
                new = NewEvent(MEMBER, content, guest.user_id, target_nid=guest.user_nid)
                compose(draft, room, guest, new)

    def _may_be_here(self, state: RoomDraft, user_id: str) -> bool:
        """Whether somebody may be a guest, and is joined at this point of the batch."""
        if not may_be_guest(user_id, self._server_name):
            return False
        held = state.state(MEMBER, user_id)
        return held is not None and held.membership == JOIN
