"""The published room directory of this server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.draft import RoomDraft


@dataclass(frozen=True, slots=True)
class DirectoryFilter:
    """Which published rooms are wanted.

    `words` must all occur in name, topic or canonical alias, whatever their case. `room_types`
    None takes all rooms; in it None stands for rooms without a type. With a `network` (instance
    id) its rooms are wanted, with `all_networks` those of all and the published ones.
    """

    words: tuple[str, ...] = ()
    room_types: tuple[str | None, ...] | None = None
    network: str | None = None
    all_networks: bool = False


@dataclass(frozen=True, slots=True)
class DirectoryPlace:
    """A place in the directory's order: many members first, then by internal id."""

    joined: int
    room_nid: int


@dataclass(frozen=True, slots=True)
class PublishedRoom:
    """A published room: `chunk` is what clients are shown of it."""

    place: DirectoryPlace
    chunk: dict[str, Any]


class DirectoryStore(Protocol):
    """Reads what was committed.

    A room is published by `RoomDraft.published`. From then on its entry follows it: what changes
    the room changes the entry in the same batch.
    """

    async def is_published(self, room_nid: int) -> bool:
        """Whether the room stands in the directory."""
        ...

    async def published_among(self, room_ids: Sequence[str]) -> Collection[str]:
        """Those of these rooms that stand in the directory."""
        ...

    def show_in_network(self, draft: Draft, room: RoomDraft, network: str, *, shown: bool) -> None:
        """Let a third-party network show a room, or no longer."""
        ...

    async def after(
        self, wanted: DirectoryFilter, place: DirectoryPlace | None, limit: int
    ) -> Sequence[PublishedRoom]:
        """The first rooms behind a place (None: from the start), in the directory's order."""
        ...

    async def before(
        self, wanted: DirectoryFilter, place: DirectoryPlace, limit: int
    ) -> Sequence[PublishedRoom]:
        """The last rooms before a place, in the directory's order."""
        ...

    async def count(self, wanted: DirectoryFilter) -> int:
        """How many rooms there are."""
        ...
