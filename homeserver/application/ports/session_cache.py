"""The port through which changes reach what a worker remembers of tokens."""

from __future__ import annotations

from typing import Protocol


class SessionCache(Protocol):
    """What this worker remembers of the tokens that were used lately."""

    def invalidate_user(self, user_nid: int) -> None:
        """Look every token of this user up anew, from now on. Never fails."""
        ...
