"""Work that one process of several does at a time."""

from __future__ import annotations

from typing import Protocol


class RoleLostError(Exception):
    """Another process does this now."""


class Role(Protocol):
    """One kind of such work."""

    async def take(self) -> bool:
        """Whether this process has the role from now on, or still.

        Another one takes it when this one has not beaten for a while. Raises OutageError.
        """
        ...
