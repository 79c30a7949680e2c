"""Logging in by password (Client-Server API, "Login")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.accounts.errors import UserLockedError
from homeserver.domain.shared.errors import ForbiddenError, UserDeactivatedError

if TYPE_CHECKING:
    from homeserver.application.accounts.check_password import CheckPassword
    from homeserver.application.accounts.open_session import LoginWish, OpenSession, Session
    from homeserver.application.ports.account_store import AccountStore


@dataclass(frozen=True, slots=True)
class LogIn:
    """Checks a password and opens a session."""

    accounts: AccountStore
    check_password: CheckPassword
    open_session: OpenSession
    server_name: str

    async def __call__(self, user: str, password: object, wish: LoginWish, client: str) -> Session:
        """Log in as `user`, a local part or a whole user id; `client` is an address.

        ForbiddenError for a wrong name or password alike, UserDeactivatedError,
        UserLockedError, LimitExceededError after too many wrong passwords.
        """
        user_id = full_user_id(user, self.server_name)
        account = await self.accounts.find(user_id)
        if account is not None and account.deactivated:
            raise UserDeactivatedError("This account has been deactivated")
        if not await self.check_password(user_id, account, password, client) or account is None:
            raise ForbiddenError("Wrong user name or password")
        if account.locked:
            raise UserLockedError
        return await self.open_session(account.user_nid, account.user_id, wish)


def full_user_id(user: str, server_name: str) -> str:
    """Complete a local part; whole user ids stay as they are."""
    return user if user.startswith("@") else f"@{user}:{server_name}"
