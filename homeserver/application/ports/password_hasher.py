"""The port that turns passwords into what may be stored."""

from __future__ import annotations

from typing import Protocol


class PasswordHasher(Protocol):
    """Slow on purpose; works beside the loop, a bounded number at a time."""

    async def hash(self, password: str) -> str:
        """Give a salted hash of at most 255 ASCII characters."""
        ...

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the hash is of this password; takes as long for None, which never is."""
        ...
