"""Users by id: the internal ids that member events need."""

from __future__ import annotations

from typing import Protocol


class Users(Protocol):
    """Finds users of this server and of others."""

    async def nid_of(self, user_id: str, *, create: bool) -> int | None:
        """The internal id of a user; with `create` one is given to a user not known yet.

        None without `create`, where this server never heard of the user.
        """
        ...

    async def exists_locally(self, user_id: str) -> bool:
        """Whether this is an account of this server that was not deactivated."""
        ...
