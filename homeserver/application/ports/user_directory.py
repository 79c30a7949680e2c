"""Users as others may find them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class Person(NamedTuple):
    """A user as others see them; None for what they have not set."""

    user_id: str
    displayname: str | None = None
    avatar_url: str | None = None


class UserDirectory(Protocol):
    """Reads who is in which rooms, and by what name. Users and rooms are nids."""

    async def names(self, users: Collection[int]) -> Mapping[int, str | None]:
        """The profiles' display names of those users who have an account here."""
        ...

    async def sharing(self, searcher: int, users: Collection[int]) -> Mapping[int, int]:
        """Those users who are joined to a room that the searcher is joined to, with one such room."""
        ...

    async def rooms(self, users: Collection[int], limit: int) -> Sequence[tuple[int, int]]:
        """(user, room) for rooms that these users are joined to, `limit` at most."""
        ...

    async def public(self, rooms: Collection[int]) -> set[int]:
        """Those rooms that anybody may join, or read."""
        ...

    async def people(self, seen_in: Mapping[int, int]) -> Mapping[int, Person]:
        """Users by nid; `seen_in` says for each one a room.

        Users with an account here have the name of their profile, others that of their
        membership in that room.
        """
        ...
