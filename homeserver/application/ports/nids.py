"""Internal 64-bit ids, as use cases see them."""

from __future__ import annotations

from typing import Protocol


class Nids(Protocol):
    """Gives out internal ids of users, devices and rooms. Never blocks, never fails."""

    def new_nid(self) -> int:
        """Return an id above 0 that nobody else has given out or will, in this store."""
        ...
