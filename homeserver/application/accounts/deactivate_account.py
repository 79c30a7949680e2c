"""The end of an account (Client-Server API, "Account deactivation")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.ports.profile_store import Profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.accounts.confirm_identity import ConfirmIdentity
    from homeserver.application.accounts.interactive_auth import UiaCall
    from homeserver.application.accounts.remove_devices import RemoveDevices
    from homeserver.application.ports.account_listeners import DeactivationListener
    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.ports.profile_store import ProfileStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class DeactivateAccount:
    """Ends the requester's account: no password, no devices, no profile, no way back in."""

    confirm: ConfirmIdentity
    accounts: AccountStore
    profiles: ProfileStore
    remove_devices: RemoveDevices
    writer: Writer
    listeners: Sequence[DeactivationListener] = ()

    async def __call__(self, requester: Requester, call: UiaCall, client: str) -> None:
        """Deactivate it, then tell the listeners (leave all rooms)."""
        spend = await self.confirm(requester, call, client)
        user_nid = requester.user_nid
        remove_devices = await self.remove_devices.all_for_ever(user_nid)
        profile = await self.profiles.find(user_nid)

        def change(draft: Draft) -> None:
            spend(draft)
            self.accounts.deactivate(draft, user_nid)
            remove_devices(draft)
            if profile.fields:
                self.profiles.put(draft, user_nid, Profile({}, profile.rev + 1))

        await self.writer.submit(change)
        for listener in self.listeners:
            await listener(requester)
