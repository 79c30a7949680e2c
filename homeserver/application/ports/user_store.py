"""The users that the store knows, of this server and of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft


class UserStore(Protocol):
    """Pairs of user id and internal id; a pair never changes once it is there."""

    async def nid_of(self, user_id: str) -> int | None:
        """The internal id of a user, None for one that nobody has mentioned yet."""
        ...

    async def user_id_of(self, nid: int) -> str | None:
        """The user with an internal id."""
        ...

    def add(self, draft: Draft, nid: int, user_id: str) -> None:
        """Add a pair; the commit conflicts where the user id has one."""
        ...
