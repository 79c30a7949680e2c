"""Whether a password is an account's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.accounts.password import check_presented

if TYPE_CHECKING:
    from homeserver.application.accounts.login_guard import LoginGuard
    from homeserver.application.ports.account_store import Account
    from homeserver.application.ports.password_hasher import PasswordHasher


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """Compares, and counts wrong guesses. The answer for nobody takes as long as any other."""

    hasher: PasswordHasher
    guard: LoginGuard

    async def __call__(
        self, user_id: str, account: Account | None, password: object, client: str
    ) -> bool:
        """Check a password for `user_id`, whose account this is (None: there is none).

        Raises LimitExceededError after too many wrong ones, and what `check_presented` does.
        """
        presented = check_presented(password)
        self.guard.check(user_id, client)
        stored = account.password_hash if account is not None else None
        if await self.hasher.verify(stored, presented):
            return True
        self.guard.failed(user_id, client)
        return False
