"""A new password (Client-Server API, "Password management")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeserver.application.accounts.confirm_identity import ConfirmIdentity
    from homeserver.application.accounts.interactive_auth import UiaCall
    from homeserver.application.accounts.remove_devices import RemoveDevices
    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.ports.password_hasher import PasswordHasher
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.accounts.password import PasswordPolicy


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Replaces the requester's password; the session that asks for it stays."""

    confirm: ConfirmIdentity
    accounts: AccountStore
    passwords: PasswordPolicy
    hasher: PasswordHasher
    remove_devices: RemoveDevices
    writer: Writer

    async def __call__(
        self,
        requester: Requester,
        new_password: object,
        call: UiaCall,
        client: str,
        *,
        logout_devices: bool,
    ) -> None:
        """Change it; with `logout_devices` all other devices are removed."""
        checked = self.passwords.check_new(new_password)
        spend = await self.confirm(requester, call, client)
        password_hash = await self.hasher.hash(checked)
        user_nid = requester.user_nid
        remove_others = None
        if logout_devices:
            remove_others = await self.remove_devices.others(user_nid, requester.device_nid)

        def change(draft: Draft) -> None:
            spend(draft)
            self.accounts.set_password(draft, user_nid, password_hash)
            if remove_others is not None:
                remove_others(draft)

        await self.writer.submit(change)
