"""A user's new name and avatar in all their rooms (client-server API, "Profiles")."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from homeserver.application.ports.profiles import MemberProfile
from homeserver.application.rooms.change_member import AUTHORISER
from homeserver.application.rooms.compose import NewEvent, compose
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.membership_store import MembershipStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft

_PERSONAL = frozenset({"displayname", "avatar_url", "reason", AUTHORISER})
AT_ONCE = 100
"""Rooms whose events go to the writer together; it commits them as one batch."""


class PropagateProfile:
    """Sends a new member event to each room that the user is in."""

    def __init__(self, access: RoomAccess, memberships: MembershipStore, writer: Writer) -> None:
        """Wire."""
        self._access = access
        self._memberships = memberships
        self._writer = writer

    async def __call__(
        self, requester: Requester, displayname: str | None, avatar_url: str | None
    ) -> None:
        """Propagate the whole profile; returns once all rooms have it."""
        profile = MemberProfile(displayname, avatar_url)
        places = await self._memberships.places(requester.user_nid)
        joined = [place.room_nid for place in places if place.membership == JOIN]
        for some in (joined[i : i + AT_ONCE] for i in range(0, len(joined), AT_ONCE)):
            await asyncio.gather(*[self._update(requester, nid, profile) for nid in some])

    async def _update(self, requester: Requester, nid: int, profile: MemberProfile) -> None:
        room = await self._access.joined_by_nid(requester, nid)
        if room is None:
            return

        def change(draft: Draft) -> None:
            held = draft.room(room).state(MEMBER, requester.user_id)
            if held is None or held.membership != JOIN:
                return  # left or kicked meanwhile
            kept: dict[str, Any] = {k: v for k, v in held.content.items() if k not in _PERSONAL}
            content = {**kept, **profile.content()}
            if content != held.content:
                new = NewEvent(
                    MEMBER,
                    content,
                    state_key=requester.user_id,
                    target_nid=requester.user_nid,
                )
                compose(draft, room, requester, new)

        await self._writer.submit(change)
