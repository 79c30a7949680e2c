"""The writers' logs as the store has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class LogReader(Protocol):
    """Reads how far the logs are, and where rooms changed."""

    async def vector(self) -> dict[int, int]:
        """The last position of every slot, read in one statement."""
        ...

    async def generation(self) -> bytes:
        """The store's generation (8 bytes): changed by a restore or failover."""
        ...

    async def floor(self, generation: bytes) -> dict[int, int] | None:
        """The vector up to which tokens of an older generation hold; None if unknown."""
        ...

    async def heads(self, user_nid: int) -> Sequence[tuple[int, int, int]]:
        """(room nid, slot, pos) of the last changes in each room that the user was ever in.

        A room stands here once for its newest event, and once more where it was stirred.
        """
        ...
