"""New accounts, however they come about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from homeserver.application.accounts.errors import StaleError
from homeserver.application.ports.account_store import Account
from homeserver.domain.shared.errors import UnavailableError, UserInUseError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.ports.nids import Nids
    from homeserver.application.ports.user_store import UserStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft

T = TypeVar("T")
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class CreateAccount:
    """Makes an account for a user id that has none."""

    users: UserStore
    accounts: AccountStore
    writer: Writer
    nids: Nids

    async def check_free(self, user_id: str) -> None:
        """Raise UserInUseError where there is an account, also a deactivated one."""
        if await self.accounts.find(user_id) is not None:
            raise UserInUseError("This user name is taken")

    async def __call__(
        self,
        user_id: str,
        password_hash: str | None,
        *,
        is_admin: bool = False,
        is_guest: bool = False,
        also: Callable[[Draft, int], T],
        still_allowed: Callable[[], Awaitable[None]] | None = None,
    ) -> T:
        """Make the account (`password_hash` None: nobody logs in to it by password), and in the same batch whatever `also(draft, user nid)` does.

        The batch conflicts where the name has been taken, or where something of `also` has
        moved: then `still_allowed` may raise before the next try. Raises UserInUseError.
        """
        for _ in range(_ATTEMPTS):
            await self.check_free(user_id)
            if still_allowed is not None:
                await still_allowed()
            known = await self.users.nid_of(user_id)
            nid = self.nids.new_nid() if known is None else known
            account = Account(nid, user_id, password_hash, is_admin=is_admin, is_guest=is_guest)

            def change(draft: Draft, account: Account = account, known: int | None = known) -> T:
                if known is None:
                    self.users.add(draft, account.user_nid, user_id)
                self.accounts.add(draft, account)
                draft.touch_user(account.user_nid)
                return also(draft, account.user_nid)

            try:
                return await self.writer.submit(change, conflict=StaleError())
            except StaleError:
                continue
        raise UnavailableError("Too much contention")
