"""What administrators see and do of others' locks (Client-Server API, "Server administration")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import ForbiddenError, InvalidParamError, NotFoundError
from homeserver.domain.shared.identifiers import domain_of, is_user_id

if TYPE_CHECKING:
    from homeserver.application.accounts.lock_account import LockAccount
    from homeserver.application.ports.account_store import Account, AccountStore
    from homeserver.application.requester import Requester


@dataclass(frozen=True, slots=True)
class ModerateAccount:
    """Locks accounts in an administrator's name.

    Both methods raise ForbiddenError for who is none before anything is looked up, and for
    another administrator's account; InvalidParamError for a user of elsewhere, NotFoundError
    where there is no account or no longer one.
    """

    accounts: AccountStore
    lock_account: LockAccount
    server_name: str

    async def is_locked(self, requester: Requester, user_id: str) -> bool:
        """Whether an account is locked."""
        return (await self._account(requester, user_id)).locked

    async def lock(self, requester: Requester, user_id: str, *, locked: bool) -> None:
        """Lock or unlock an account. Raises ForbiddenError for one's own, too."""
        account = await self._account(requester, user_id)
        if account.user_nid == requester.user_nid:
            raise ForbiddenError("Nobody can lock their own account")
        await self.lock_account(account.user_id, locked=locked)

    async def _account(self, requester: Requester, user_id: str) -> Account:
        if not requester.is_admin:
            raise ForbiddenError("Only administrators of this server may do this")
        if not is_user_id(user_id) or domain_of(user_id) != self.server_name:
            raise InvalidParamError("This user does not belong to this server")
        account = await self.accounts.find(user_id)
        if account is None or account.deactivated:
            raise NotFoundError("No such account")
        if account.is_admin and account.user_nid != requester.user_nid:
            raise ForbiddenError("This user is an administrator")
        return account
