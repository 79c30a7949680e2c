"""Accounts of this server's users as the store keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class Account:
    """An account; `password_hash` is None where nobody can log in by password."""

    user_nid: int
    user_id: str
    password_hash: str | None = field(default=None, repr=False)
    is_admin: bool = False
    is_guest: bool = False
    deactivated: bool = False
    locked: bool = False


class AccountStore(Protocol):
    """Reads what was committed; writes go into a `Draft`."""

    async def find(self, user_id: str) -> Account | None:
        """The account of this user, also a deactivated one."""
        ...

    async def any_exists(self) -> bool:
        """Whether there is an account at all, but for guests."""
        ...

    async def half_gone(self) -> Sequence[tuple[str, int]]:
        """Users (id and internal id) whose account ended, but who are in rooms or asked into."""
        ...

    def add(self, draft: Draft, account: Account) -> None:
        """Add an account to a user; the commit conflicts where there is one."""
        ...

    def set_password(self, draft: Draft, user_nid: int, password_hash: str) -> None:
        """Replace the password."""
        ...

    def expect(self, draft: Draft, account: Account) -> None:
        """Let the batch conflict unless this is the password still, and the account is open.

        Nobody logs in by a password that was changed while it was being checked.
        """
        ...

    def deactivate(self, draft: Draft, user_nid: int) -> None:
        """End an account for good: its name stays taken, its password is wiped."""
        ...

    def set_locked(self, draft: Draft, user_nid: int, *, locked: bool) -> None:
        """Lock an account, or unlock it."""
        ...
