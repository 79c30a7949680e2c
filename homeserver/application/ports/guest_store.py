"""Guest accounts as the store keeps them: accounts like others, but marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft


class GuestStore(Protocol):
    """Reads what was committed; writes go into a `Draft`."""

    async def among(self, user_ids: Sequence[str]) -> Sequence[tuple[str, int]]:
        """Those of these users that are guests: id and internal id."""
        ...

    def upgrade(self, draft: Draft, user_nid: int, password_hash: str) -> None:
        """Make a guest's account a full one; the commit conflicts where it is no guest's."""
        ...
