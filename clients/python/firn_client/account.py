"""Profiles, and what the user keeps on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from firn_client.calls import accounts
from firn_client.errors import NotFoundError

if TYPE_CHECKING:
    from firn_client.caller import Caller

DIRECT = "m.direct"


class Account:
    """The account of who is logged in; all methods raise MatrixError where the server refuses."""

    def __init__(self, caller: Caller) -> None:
        self._call = caller

    async def whoami(self) -> str:
        """The user's id, by the server."""
        return (await self._call(accounts.whoami())).user_id

    async def profile(self, user_id: str | None = None) -> dict[str, Any]:
        """The profile of a user, by default one's own."""
        return await self._call(accounts.profile(user_id or self._call.user_id))

    async def set_profile(self, key: str, value: Any) -> None:
        """Set a field of one's profile, such as `displayname`."""
        await self._call(accounts.set_profile(self._call.user_id, key, value))

    async def data(self, kind: str) -> dict[str, Any]:
        """One's account data of this type. Raises NotFoundError."""
        return await self._call(accounts.account_data(self._call.user_id, kind, None))

    async def set_data(self, kind: str, content: dict[str, Any]) -> None:
        """Set one's account data of this type."""
        await self._call(accounts.set_account_data(self._call.user_id, kind, content, None))

    async def direct_rooms(self) -> dict[str, list[str]]:
        """The direct chats: room ids by user id."""
        try:
            return await self.data(DIRECT)
        except NotFoundError:
            return {}

    async def add_direct_room(self, user_id: str, room_id: str) -> None:
        """Note that this room is a direct chat with the user."""
        known = await self.direct_rooms()
        await self.set_data(DIRECT, {**known, user_id: [*known.get(user_id, ()), room_id]})
