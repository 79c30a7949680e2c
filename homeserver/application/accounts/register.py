"""Registration (Client-Server API, "Account registration")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homeserver.application.accounts.registration_policy import DUMMY, REGISTRATION_TOKEN
from homeserver.domain.shared.errors import ForbiddenError, MissingParamError
from homeserver.domain.shared.identifiers import check_new_user_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.accounts.create_account import CreateAccount
    from homeserver.application.accounts.interactive_auth import InteractiveAuth, UiaCall
    from homeserver.application.accounts.open_session import LoginWish, OpenSession, Session
    from homeserver.application.accounts.registration_policy import RegistrationPolicy
    from homeserver.application.accounts.upgrade_guest import UpgradeGuest
    from homeserver.application.ports.ids import Ids
    from homeserver.application.ports.password_hasher import PasswordHasher
    from homeserver.application.ports.registration_token_store import RegistrationToken
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.accounts.password import PasswordPolicy
    from homeserver.domain.accounts.uia import Verifier
    from homeserver.domain.appservices.services import Services
    from homeserver.domain.shared.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a client asks for; `login` None makes the account without a session.

    `guest_token` is the access token of a guest whose account is to be made a full one.
    """

    username: str | None
    password: object = field(repr=False)
    login: LoginWish | None
    guest_token: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class _Ticket:
    """The token that opened the door, where one did; known once its stage is done."""

    token: RegistrationToken | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """Makes an account for whoever the policy lets in."""

    policy: RegistrationPolicy
    passwords: PasswordPolicy
    interactive_auth: InteractiveAuth
    create_account: CreateAccount
    upgrade_guest: UpgradeGuest
    open_session: OpenSession
    hasher: PasswordHasher
    ids: Ids
    server_name: str
    services: Callable[[], Services]

    async def __call__(self, wish: NewAccount, call: UiaCall) -> tuple[str, Session | None]:
        """Give the user id and the session.

        ForbiddenError where registration is closed, InvalidUsernameError, UserInUseError,
        ExclusiveError, UiaChallengeError, WeakPasswordError; of a guest what `UpgradeGuest` raises.
        """
        requirement = await self.policy.requirement()
        guest = None
        if wish.guest_token is not None:
            guest = await self.upgrade_guest.who(wish.guest_token, wish.username)
        user_id = check_new_user_id(wish.username or self._new_name(), self.server_name)
        self.services().check_new_user(user_id, None)
        if guest is None:
            await self.create_account.check_free(user_id)
        if wish.password is not None:
            self.passwords.check_new(wish.password)
        ticket = _Ticket()
        spend = await self.interactive_auth(requirement, call, self._verifiers(ticket))
        if wish.password is None:
            raise MissingParamError("Missing password")
        return user_id, await self._create(user_id, wish, ticket.token, spend, guest)

    async def _create(
        self,
        user_id: str,
        wish: NewAccount,
        ticket: RegistrationToken | None,
        spend: Callable[[Draft], None],
        guest: Requester | None,
    ) -> Session | None:
        password_hash = await self.hasher.hash(self.passwords.check_new(wish.password))
        login = wish.login
        session = self.open_session.prepare(user_id, login) if login is not None else None

        def also(draft: Draft, user_nid: int) -> None:
            spend(draft)
            if ticket is not None:
                self.policy.tokens.use(draft, ticket.token_hash)
            if session is not None and login is not None:
                self.open_session.write(draft, user_nid, session, login, None)

        if guest is not None:
            await self.upgrade_guest(guest, password_hash, also)
            return session

        async def still_allowed() -> None:
            if ticket is None:
                return
            found = await self.policy.tokens.find(ticket.token_hash)
            if found is None or not found.is_valid(self.policy.clock.now_ms()):
                raise ForbiddenError("This registration token was used up meanwhile")

        await self.create_account(
            user_id,
            password_hash,
            is_admin=ticket is not None and ticket.makes_admin,
            also=also,
            still_allowed=still_allowed,
        )
        return session

    def _verifiers(self, ticket: _Ticket) -> dict[str, Verifier]:
        async def dummy(_auth: JsonObject) -> bool:
            return True

        async def token(auth: JsonObject) -> bool:
            given: Json = auth.get("token")
            if isinstance(given, str) and self.policy.is_fixed(given):
                return True
            ticket.token = await self.policy.ticket(given)
            return ticket.token is not None

        return {DUMMY: dummy, REGISTRATION_TOKEN: token}

    def _new_name(self) -> str:
        return f"u{self.ids.opaque_id()[:12].lower()}"
