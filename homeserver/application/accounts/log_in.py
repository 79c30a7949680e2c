"""Logging in by password (Client-Server API, "Login")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.accounts.errors import StaleError, UserLockedError
from homeserver.domain.shared.errors import (
    ForbiddenError,
    UnavailableError,
    UserDeactivatedError,
)

if TYPE_CHECKING:
    from homeserver.application.accounts.check_password import CheckPassword
    from homeserver.application.accounts.open_session import LoginWish, OpenSession, Session
    from homeserver.application.ports.account_store import Account, AccountStore

_ATTEMPTS = 5


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
        for _ in range(_ATTEMPTS):
            account = await self._checked(user_id, password, client)
            try:
                return await self.open_session(account, wish)
            except StaleError:  # the account has changed meanwhile: look again
                continue
        raise UnavailableError("Too much contention")

    async def _checked(self, user_id: str, password: object, client: str) -> Account:
        account = await self.accounts.find(user_id)
        if account is not None and account.deactivated:
            raise UserDeactivatedError("This account has been deactivated")
        if not await self.check_password(user_id, account, password, client) or account is None:
            raise ForbiddenError("Wrong user name or password")
        if account.locked:
            raise UserLockedError
        return account


def full_user_id(user: str, server_name: str) -> str:
    """Complete a local part; whole user ids stay as they are."""
    return user if user.startswith("@") else f"@{user}:{server_name}"
