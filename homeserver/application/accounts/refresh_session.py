"""New tokens for old (Client-Server API, "Refreshing access tokens")."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from homeserver.application.accounts.errors import StaleError, UserLockedError
from homeserver.application.accounts.open_session import token_hash
from homeserver.domain.accounts.refresh import Refused, refresh
from homeserver.domain.shared.errors import UnavailableError, UnknownTokenError

if TYPE_CHECKING:
    from homeserver.application.accounts.open_session import TokenMint, Tokens
    from homeserver.application.ports.session_cache import SessionCache
    from homeserver.application.ports.token_store import TokenRecord, TokenStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.accounts.refresh import Rotated

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class RefreshSession:
    """Issues the next pair; a refresh token from before the pair in use ends the login (D5)."""

    tokens: TokenStore
    mint: TokenMint
    writer: Writer
    cache: SessionCache

    async def __call__(self, refresh_token: str) -> Tokens:
        """Give the new pair; UnknownTokenError for a token that is not good (any more)."""
        for _ in range(_ATTEMPTS):
            record = await self.tokens.find_refresh(token_hash(refresh_token))
            if record is None:
                raise UnknownTokenError("Unknown refresh token")
            if record.locked:
                raise UserLockedError
            outcome = refresh(record.family, record.pair.number)
            if isinstance(outcome, Refused):
                await self._revoke(record)
                raise UnknownTokenError("This refresh token was used before", soft_logout=True)
            try:
                return await self._rotate(record, outcome)
            except StaleError:
                continue
        raise UnavailableError("Too much contention")

    async def _rotate(self, record: TokenRecord, rotated: Rotated) -> Tokens:
        tokens = self.mint.new(refreshable=True)

        def change(draft: Draft) -> None:
            self.tokens.move(draft, record.pair, record.family, rotated.family)
            self.mint.store(draft, tokens, replace(record.pair, number=rotated.number))
            self._touch(draft, record)

        await self.writer.submit(change, conflict=StaleError())
        return tokens

    async def _revoke(self, record: TokenRecord) -> None:
        def change(draft: Draft) -> None:
            self.tokens.revoke(draft, record.pair)
            self._touch(draft, record)

        await self.writer.submit(change)

    def _touch(self, draft: Draft, record: TokenRecord) -> None:
        user_nid = record.pair.user_nid
        draft.touch_user(user_nid)
        draft.on_commit(lambda: self.cache.invalidate_user(user_nid))
