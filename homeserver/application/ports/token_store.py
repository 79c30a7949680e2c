"""Access and refresh tokens; the store only ever sees their SHA-256."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.accounts.refresh import TokenFamily


@dataclass(frozen=True, slots=True)
class Pair:
    """Which pair of which login tokens belong to."""

    user_nid: int
    device_nid: int
    login: int
    number: int


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What stands behind a token whose device exists.

    `family` is where the device's login stands, `revoked` where that is another one by now.
    `expires_ts` is in milliseconds, None for never (and always for refresh tokens).
    """

    pair: Pair
    family: TokenFamily
    requester: Requester
    locked: bool
    expires_ts: int | None


class TokenStore(Protocol):
    """Reads what was committed; writes go into a `Draft`.

    Tokens of deactivated accounts and removed devices are not found.
    """

    async def find_access(self, token_hash: bytes) -> TokenRecord | None:
        """What an access token stands for."""
        ...

    async def find_refresh(self, token_hash: bytes) -> TokenRecord | None:
        """What a refresh token stands for."""
        ...

    def add_access(
        self, draft: Draft, token_hash: bytes, pair: Pair, expires_ts: int | None
    ) -> None:
        """Add an access token."""
        ...

    def add_refresh(self, draft: Draft, token_hash: bytes, pair: Pair) -> None:
        """Add a refresh token."""
        ...

    def move(self, draft: Draft, pair: Pair, old: TokenFamily, new: TokenFamily) -> None:
        """Move a login's family on; conflicts where it is no longer as it was in `old`.

        Forgets tokens so old that they are no longer worth recognising.
        """
        ...

    def revoke(self, draft: Draft, pair: Pair) -> None:
        """End a login, unless its device has another one by now; the device stays."""
        ...
