"""Sessions of user-interactive authentication."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.accounts.uia import UiaSession


class UiaSessionStore(Protocol):
    """Reads what was committed; writes go into a `Draft`. Times are milliseconds."""

    async def find(self, session_id: str, now: int) -> UiaSession | None:
        """A session that has not expired at `now`."""
        ...

    def put(self, draft: Draft, session: UiaSession, expires_ts: int) -> None:
        """Store a session; it replaces the one with its id."""
        ...

    def drop(self, draft: Draft, session_id: str) -> None:
        """Forget a session."""
        ...

    def purge(self, draft: Draft) -> None:
        """Forget all sessions that have expired at the draft's time."""
        ...
