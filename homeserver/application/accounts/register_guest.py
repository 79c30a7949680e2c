"""Guest accounts (client-server API, "Guest Access")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.accounts.guest import guest_id
from homeserver.domain.shared.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.accounts.create_account import CreateAccount
    from homeserver.application.accounts.open_session import LoginWish, OpenSession, Session
    from homeserver.application.ports.ids import Ids
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class RegisterGuest:
    """Makes an account without a password, which may do what guests may.

    `allowed` tells whether this server has guests at all.
    """

    allowed: Callable[[], bool]
    create_account: CreateAccount
    open_session: OpenSession
    ids: Ids
    server_name: str

    async def __call__(self, wish: LoginWish) -> Session:
        """Give the session of a new guest. Raises ForbiddenError."""
        if not self.allowed():
            raise ForbiddenError("This server has no guest accounts")
        user_id = guest_id(self.ids.opaque_id(), self.server_name)
        session = self.open_session.prepare(user_id, wish)

        def also(draft: Draft, user_nid: int) -> None:
            self.open_session.write(draft, user_nid, session, wish, None)

        await self.create_account(user_id, None, is_guest=True, also=also)
        return session
