"""Having the requester show again that it is them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeserver.application.accounts.log_in import full_user_id
from homeserver.domain.accounts.uia import Requirement

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.accounts.check_password import CheckPassword
    from homeserver.application.accounts.interactive_auth import InteractiveAuth, UiaCall
    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.shared.json import Json, JsonObject

PASSWORD: Final = "m.login.password"  # noqa: S105 (a stage's name)
BY_PASSWORD: Final = Requirement(((PASSWORD,),))


@dataclass(frozen=True, slots=True)
class ConfirmIdentity:
    """User-interactive authentication by the requester's own password."""

    interactive_auth: InteractiveAuth
    accounts: AccountStore
    check_password: CheckPassword
    server_name: str

    async def __call__(
        self, requester: Requester, call: UiaCall, client: str
    ) -> Callable[[Draft], None]:
        """See `InteractiveAuth`; `client` is the address for which failures count."""

        async def verify(auth: JsonObject) -> bool:
            user = _named_user(auth)
            if user is not None and full_user_id(user, self.server_name) != requester.user_id:
                return False
            account = await self.accounts.find(requester.user_id)
            password = auth.get("password", "")
            return await self.check_password(requester.user_id, account, password, client)

        return await self.interactive_auth(BY_PASSWORD, call, {PASSWORD: verify})


def _named_user(auth: JsonObject) -> str | None:
    """The user that the stage names, in its present or its older form; may be left out."""
    identifier: Json = auth.get("identifier")
    named: Json = identifier.get("user") if isinstance(identifier, dict) else auth.get("user")
    if named is None:
        return None
    return named if isinstance(named, str) else ""
