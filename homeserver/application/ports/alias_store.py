"""Room aliases of this server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class AliasRecord:
    """An alias and the room that it names."""

    alias: str
    room_nid: int
    room_id: str
    creator_nid: int


class AliasStore(Protocol):
    """Reads committed aliases; writes go into a `Draft`."""

    async def find(self, alias: str) -> AliasRecord | None:
        """The alias, compared exactly."""
        ...

    async def of_room(self, room_nid: int) -> Sequence[str]:
        """All aliases of a room, in byte order."""
        ...

    def add(self, draft: Draft, alias: str, room_nid: int, creator_nid: int) -> None:
        """Add an alias; one that exists makes the whole change conflict."""
        ...

    def remove(self, draft: Draft, alias: str, room_nid: int) -> None:
        """Remove an alias of this room; nothing where it is gone."""
        ...

    def move(self, draft: Draft, from_nid: int, to_nid: int) -> None:
        """Let all aliases of one room name another."""
        ...
