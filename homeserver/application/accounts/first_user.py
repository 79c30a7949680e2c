"""The way into a fresh server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.accounts.open_session import token_hash
from homeserver.application.ports.registration_token_store import RegistrationToken

if TYPE_CHECKING:
    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.ports.ids import Ids
    from homeserver.application.ports.registration_token_store import RegistrationTokenStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft

LIFETIME_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class FirstUser:
    """Makes the token with which the first account, an administrator's, is registered."""

    accounts: AccountStore
    tokens: RegistrationTokenStore
    writer: Writer
    ids: Ids

    async def ensure_first_user_token(self) -> str | None:
        """Give a registration token of one use that makes an administrator; it lasts a day.

        None once there is an account; from then on no such token is good any more. Only the
        token's hash is stored, so each call gives a new one.
        """
        if await self.accounts.any_exists():
            return None
        token = self.ids.token(24)

        def change(draft: Draft) -> None:
            self.tokens.add(
                draft,
                RegistrationToken(
                    token_hash(token),
                    uses_allowed=1,
                    makes_admin=True,
                    expires_ts=draft.now + LIFETIME_MS,
                ),
            )

        await self.writer.submit(change)
        return token
