"""Locking an account for a while (Client-Server API, "Account locking")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import NotFoundError

if TYPE_CHECKING:
    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.ports.session_cache import SessionCache
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class LockAccount:
    """Locks or unlocks an account; its sessions stay, and are refused while it is locked."""

    accounts: AccountStore
    writer: Writer
    cache: SessionCache

    async def __call__(self, user_id: str, *, locked: bool) -> None:
        """Do it; NotFoundError where there is no account."""
        account = await self.accounts.find(user_id)
        if account is None:
            raise NotFoundError("No such account")
        nid = account.user_nid

        def change(draft: Draft) -> None:
            self.accounts.set_locked(draft, nid, locked=locked)
            draft.touch_user(nid)
            draft.on_commit(lambda: self.cache.invalidate_user(nid))

        await self.writer.submit(change)
