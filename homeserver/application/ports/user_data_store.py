"""Account data and filters as the store keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.user_data.items import DataItem, DataKey
    from homeserver.application.writing.draft import Draft


class UserDataStore(Protocol):
    """Reads what was committed; writes go into a `Draft`."""

    async def account_data(self, user_nid: int) -> tuple[str, Sequence[tuple[DataKey, DataItem]]]:
        """The user's id, and all account data of the user in log order. Raises NotFoundError."""
        ...

    def write_account_data(self, draft: Draft, user_nid: int, key: DataKey, item: DataItem) -> None:
        """Add or replace an item; the store raises the stored `rev` by one."""
        ...

    async def filter(self, user_nid: int, filter_id: str) -> bytes | None:
        """The JSON of a filter that the user stored."""
        ...

    def write_filter(self, draft: Draft, user_nid: int, filter_id: str, body: bytes) -> None:
        """Add a filter; adding it again changes nothing."""
        ...
