"""Whoever may make users and aliases at the moment when they are looked up."""

from __future__ import annotations

from typing import Protocol


class UnknownIds(Protocol):
    """Asked about ids of this server that it does not know; see `AskServices`."""

    async def for_user(self, user_id: str) -> bool:
        """Whether the user may be there now. Raises MatrixError where that cannot be told."""
        ...

    async def for_alias(self, alias: str) -> bool:
        """Whether the alias may be there now. Raises MatrixError where that cannot be told."""
        ...


class NobodyElse:
    """What is not known is not there."""

    async def for_user(self, user_id: str) -> bool:  # noqa: ARG002 (the port's)
        """No."""
        return False

    async def for_alias(self, alias: str) -> bool:  # noqa: ARG002 (the port's)
        """No."""
        return False
