"""OpenID tokens: by which a user shows another service who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft


class OpenIdStore(Protocol):
    """Reads what was committed; writes go into a `Draft`. Times are milliseconds."""

    async def user_of(self, token_hash: bytes, now: int) -> str | None:
        """The user whose token this is, where it holds at `now` and the account is open."""
        ...

    def add(self, draft: Draft, token_hash: bytes, user_nid: int, expires_ts: int) -> None:
        """Add a token, and drop those that have expired at the draft's time."""
        ...
