"""Accounts that the operator makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.shared.identifiers import check_new_user_id

if TYPE_CHECKING:
    from homeserver.application.accounts.create_account import CreateAccount
    from homeserver.application.ports.password_hasher import PasswordHasher
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.accounts.password import PasswordPolicy


@dataclass(frozen=True, slots=True)
class AddUser:
    """Makes an account, whatever the registration settings say."""

    create_account: CreateAccount
    passwords: PasswordPolicy
    hasher: PasswordHasher
    server_name: str

    async def __call__(self, name: str, password: str, *, admin: bool = False) -> str:
        """Give the user id; InvalidUsernameError, UserInUseError, WeakPasswordError."""
        user_id = check_new_user_id(name, self.server_name)
        password_hash = await self.hasher.hash(self.passwords.check_new(password))

        def also(draft: Draft, user_nid: int) -> None:
            draft.touch_user(user_nid)

        await self.create_account(user_id, password_hash, is_admin=admin, also=also)
        return user_id
