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
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.room import Room


class PutOutGuests:
    """Finds this server's guests in a room and lets them leave.

    The event that closes the room and the leaves are one batch. Nobody joins after it, and who
    joined between the look and the batch is put out by another one.
    """

    def __init__(self, guests: GuestStore, writer: Writer, server_name: str) -> None:
        """Look here who is a guest."""
        self._guests = guests
        self._writer = writer
        self._server_name = server_name

    async def inside(self, room: Room) -> Sequence[Requester]:
        """The guests of this server that are in a room."""
        names = [user for user in room.members if may_be_guest(user, self._server_name)]
        if not names:
            return ()
        found = await self._guests.among(names)
        return [Requester(user, nid, None, 0, is_guest=True) for user, nid in found]

    def leave(self, draft: Draft, room: Room, guests: Sequence[Requester]) -> None:
        """Within the batch that closed the room: let these leave who are still there."""
        state = draft.room(room)
        if is_open_to_guests(state):
            return
        for guest in guests:
            held = state.state(MEMBER, guest.user_id)
            if held is not None and held.membership == JOIN:
                content = {"membership": LEAVE, "reason": "This room is not open to guests"}
                new = NewEvent(MEMBER, content, guest.user_id, target_nid=guest.user_nid)
                compose(draft, room, guest, new)

    async def late(self, room: Room) -> None:
        """After that batch: let those leave who came just before it."""
        guests = await self.inside(room)
        if guests:
            await self._writer.submit(lambda draft: self.leave(draft, room, guests))
