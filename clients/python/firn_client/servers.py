"""Several addresses of one server: which to ask next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PENALTY = 5.0


class Servers:
    """Workers or gateways that are equal; stays with one until it fails."""

    def __init__(self, addresses: Iterable[str]) -> None:
        """At least one address, such as `https://chat.example.org`. Raises ValueError."""
        self._addresses = [address.rstrip("/") for address in addresses]
        if not self._addresses:
            raise ValueError("no server address")
        self._down_until = dict.fromkeys(self._addresses, 0.0)
        self.current = self._addresses[0]

    def failed(self, address: str, now: float) -> bool:
        """No answer came from this one: move on. Whether one is left that did not fail lately."""
        self._down_until[address] = now + PENALTY
        if address != self.current:
            return True
        at = self._addresses.index(address)
        others = [*self._addresses[at + 1 :], *self._addresses[: at + 1]]
        self.current = min(others, key=lambda other: max(self._down_until[other], now))
        return self._down_until[self.current] <= now
