"""Deactivations that a crash cut short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.requester import Requester

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.account_listeners import DeactivationListener
    from homeserver.application.ports.account_store import AccountStore


@dataclass(frozen=True, slots=True)
class FinishDeactivations:
    """Tells the listeners again of accounts that ended while their users still are in rooms."""

    accounts: AccountStore
    listeners: Sequence[DeactivationListener]

    async def __call__(self) -> None:
        """Run at the start: `DeactivateAccount` tells them only after its own batch."""
        for user_id, nid in await self.accounts.half_gone():
            for listener in self.listeners:
                await listener(Requester(user_id, nid, None, 0))
