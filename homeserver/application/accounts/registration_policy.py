"""Who may register."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from homeserver.application.accounts.open_session import token_hash
from homeserver.domain.accounts.uia import Requirement
from homeserver.domain.shared.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.registration_token_store import (
        RegistrationToken,
        RegistrationTokenStore,
    )

DUMMY: Final = "m.login.dummy"
REGISTRATION_TOKEN: Final = "m.login.registration_token"  # noqa: S105 (the name of a stage)
MAX_TOKEN_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class RegistrationSettings:
    """`open` lets anybody in, `tokens` are valid for ever, beside those in the store."""

    open: bool = False
    tokens: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class RegistrationPolicy:
    """Decides by the settings of the moment and the tokens in the store."""

    settings: Callable[[], RegistrationSettings]
    tokens: RegistrationTokenStore
    accounts: AccountStore
    clock: Clock

    async def requirement(self) -> Requirement:
        """What a registration has to go through; ForbiddenError where nobody may register."""
        settings = self.settings()
        flows = [(DUMMY,)] if settings.open else []
        if settings.tokens or await self.tokens.any_valid(self.clock.now_ms()):
            flows.append((REGISTRATION_TOKEN,))
        if not flows:
            raise ForbiddenError("Registration is not open on this server")
        return Requirement(tuple(flows), body_may_change=True)

    def is_fixed(self, token: str) -> bool:
        """Whether a token is in the settings; comparing hashes betrays nothing by its time."""
        return token_hash(token) in {token_hash(t) for t in self.settings().tokens}

    async def ticket(self, token: object) -> RegistrationToken | None:
        """The valid token of the store behind what a client sent."""
        if not isinstance(token, str) or len(token) > MAX_TOKEN_BYTES:
            return None
        found = await self.tokens.find(token_hash(token))
        if found is None or not found.is_valid(self.clock.now_ms()):
            return None
        if found.makes_admin and await self.accounts.any_exists():
            return None
        return found

    async def is_valid(self, token: object) -> bool:
        """Whether somebody may register with this token now."""
        return (isinstance(token, str) and self.is_fixed(token)) or (
            await self.ticket(token) is not None
        )
