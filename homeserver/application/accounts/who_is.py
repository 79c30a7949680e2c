"""Where a user is connected from (Client-Server API, "Server administration")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.ports.device_store import Device, DeviceStore
    from homeserver.application.requester import Requester


@dataclass(frozen=True, slots=True)
class WhoIs:
    """Looks at a user's devices, for the user and for administrators."""

    accounts: AccountStore
    devices: DeviceStore

    async def __call__(self, requester: Requester, user_id: str) -> Sequence[Device]:
        """All devices; ForbiddenError, and NotFoundError where there is no such account."""
        if user_id == requester.user_id:
            return await self.devices.list_of(requester.user_nid)
        if not requester.is_admin:
            raise ForbiddenError("Only administrators of this server may look at others")
        account = await self.accounts.find(user_id)
        if account is None or account.deactivated:
            raise NotFoundError("No such account")
        return await self.devices.list_of(account.user_nid)
