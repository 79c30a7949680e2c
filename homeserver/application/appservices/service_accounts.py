"""Accounts of an application service's users ("Server admin style permissions")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeserver.application.accounts.errors import StaleError, UserLockedError
from homeserver.application.accounts.log_in import full_user_id
from homeserver.domain.shared.errors import (
    ForbiddenError,
    MissingParamError,
    UnavailableError,
    UserDeactivatedError,
)
from homeserver.domain.shared.identifiers import check_new_user_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.accounts.create_account import CreateAccount
    from homeserver.application.accounts.open_session import LoginWish, OpenSession, Session
    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.appservices.services import Services

APPLICATION_SERVICE: Final = "m.login.application_service"
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ServiceAccounts:
    """Makes accounts without a password, and sessions on them, for the service that asks."""

    services: Callable[[], Services]
    accounts: AccountStore
    create_account: CreateAccount
    open_session: OpenSession
    server_name: str

    async def register(
        self, requester: Requester, username: str | None, login: LoginWish | None
    ) -> tuple[str, Session | None]:
        """Give the user id and, with `login`, a session.

        Raises MissingParamError, InvalidUsernameError, UserInUseError, ExclusiveError for a
        user outside the service's namespace.
        """
        if username is None:
            raise MissingParamError("username is missing")
        user_id = check_new_user_id(username, self.server_name)
        self.services().check_new_user(user_id, requester.appservice)
        session = self.open_session.prepare(user_id, login) if login is not None else None

        def also(draft: Draft, user_nid: int) -> None:
            if session is not None and login is not None:
                self.open_session.write(draft, user_nid, session, login, None)

        await self.create_account(user_id, None, is_admin=False, also=also)
        return user_id, session

    async def log_in(self, requester: Requester, user: str, wish: LoginWish) -> Session:
        """Open a session for a user of the service, a local part or a whole user id.

        Raises ExclusiveError, ForbiddenError for an unknown user, UserDeactivatedError,
        UserLockedError.
        """
        user_id = full_user_id(user, self.server_name)
        self.services().check_new_user(user_id, requester.appservice)
        for _ in range(_ATTEMPTS):
            account = await self.accounts.find(user_id)
            if account is None:
                raise ForbiddenError("The application service has not registered this user")
            if account.deactivated:
                raise UserDeactivatedError("This account has been deactivated")
            if account.locked:
                raise UserLockedError
            try:
                return await self.open_session(account, wish)
            except StaleError:  # the account has changed meanwhile: look again
                continue
        raise UnavailableError("Too much contention")
