"""One user's account data in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from homeserver.domain.sync.vector import Vector

GLOBAL: Final = 0
"""The room number of data that belongs to no room."""

DataKey = tuple[int, str]
"""(room's internal id or `GLOBAL`, type)."""


@dataclass(frozen=True, slots=True)
class DataItem:
    """One item: the JSON of its content, and where it was written last.

    `rev` grows with each change of the item. What the server makes up stands at (0, 0).
    """

    content_json: bytes
    slot: int
    pos: int
    rev: int


class UserData:
    """All account data of one user; `items` has the latest change last.

    `lock` is held by changes that read before they write.
    """

    __slots__ = ("__weakref__", "_by_room", "items", "lock", "user_id", "user_nid")

    def __init__(
        self, user_nid: int, user_id: str, items: Iterable[tuple[DataKey, DataItem]]
    ) -> None:
        """Take items in log order."""
        self.user_nid = user_nid
        self.user_id = user_id
        self.lock = asyncio.Lock()
        self.items: dict[DataKey, DataItem] = {}
        self._by_room: dict[int, dict[str, DataItem]] = {}
        for key, item in items:
            self.merge(key, item)

    def merge(self, key: DataKey, item: DataItem) -> None:
        """Take an item over, unless a later one is held."""
        held = self.items.get(key)
        if held is not None and held.rev >= item.rev:
            return
        self.items.pop(key, None)
        self.items[key] = item
        self._by_room.setdefault(key[0], {})[key[1]] = item

    def of_room(self, room_nid: int) -> Mapping[str, DataItem]:
        """The items of one room (or `GLOBAL`) by type."""
        return self._by_room.get(room_nid, {})

    def changed_after(self, seen: Vector) -> Iterator[tuple[DataKey, DataItem]]:
        """Give the items that a vector does not cover, latest change first.

        With one writer this looks at no more than it gives.
        """
        done: set[int] = set()
        slots = {slot for slot, _ in seen}
        for key in reversed(self.items):
            item = self.items[key]
            if item.pos > seen[item.slot]:
                yield key, item
                continue
            done.add(item.slot)
            if slots <= done:
                return
