"""Tokens that let somebody register; the store only sees their SHA-256."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class RegistrationToken:
    """A token: `uses_allowed` None is any number, `expires_ts` None is never.

    One that `makes_admin` is good only while there is no account.
    """

    token_hash: bytes
    uses_allowed: int | None = None
    uses: int = 0
    makes_admin: bool = False
    expires_ts: int | None = None

    def is_valid(self, now: int) -> bool:
        """Whether it may be used at `now` (milliseconds)."""
        left = self.uses_allowed is None or self.uses < self.uses_allowed
        return left and (self.expires_ts is None or now < self.expires_ts)


class RegistrationTokenStore(Protocol):
    """Reads what was committed; writes go into a `Draft`."""

    async def find(self, token_hash: bytes) -> RegistrationToken | None:
        """One token, valid or not."""
        ...

    async def any_valid(self, now: int) -> bool:
        """Whether there is a valid token at `now` (milliseconds)."""
        ...

    def add(self, draft: Draft, token: RegistrationToken) -> None:
        """Add a token."""
        ...

    def use(self, draft: Draft, token_hash: bytes) -> None:
        """Count a use; conflicts where no use is left."""
        ...
