"""From a guest's account to a full one (client-server API, "Guest Access")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from homeserver.application.accounts.errors import StaleError
from homeserver.domain.shared.errors import ForbiddenError, MissingParamError
from homeserver.domain.shared.identifiers import check_new_user_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.authenticator import Authenticator
    from homeserver.application.ports.guest_store import GuestStore
    from homeserver.application.ports.session_cache import SessionCache
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UpgradeGuest:
    """Gives a guest's account a password; the guest's rooms, devices and tokens stay."""

    authenticator: Authenticator
    guests: GuestStore
    writer: Writer
    cache: SessionCache
    server_name: str

    async def who(self, guest_token: str, username: str | None) -> Requester:
        """The guest behind a token, who must be named by the name that the guest has.

        Raises UnknownTokenError, MissingParamError, ForbiddenError.
        """
        guest = await self.authenticator.authenticate(guest_token)
        if not guest.is_guest:
            raise ForbiddenError("This access token is not a guest's")
        if not username:
            raise MissingParamError("username is missing")
        if check_new_user_id(username, self.server_name) != guest.user_id:
            raise ForbiddenError("username must be the guest's own")
        return guest

    async def __call__(
        self, guest: Requester, password_hash: str, also: Callable[[Draft, int], T]
    ) -> T:
        """Upgrade, and in the same batch whatever `also(draft, user nid)` does.

        Raises ForbiddenError where somebody else did meanwhile.
        """
        nid = guest.user_nid

        def change(draft: Draft) -> T:
            self.guests.upgrade(draft, nid, password_hash)
            draft.touch_user(nid)
            draft.on_commit(lambda: self.cache.invalidate_user(nid))
            return also(draft, nid)

        try:
            return await self.writer.submit(change, conflict=StaleError())
        except StaleError:
            raise ForbiddenError("This account is not a guest's any more") from None
