"""User-interactive authentication around a call (Client-Server API, same title)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.accounts.errors import UiaChallengeError
from homeserver.domain.accounts.uia import Challenge, Failure, check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.ids import Ids
    from homeserver.application.ports.uia_session_store import UiaSessionStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.accounts.uia import Binding, Requirement, UiaSession, Verifier
    from homeserver.domain.shared.json import Json

SESSION_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class UiaCall:
    """A request that needs it: what is to be authorised, and its `auth` (None: absent)."""

    binding: Binding
    auth: Json


@dataclass(frozen=True, slots=True)
class InteractiveAuth:
    """Lets a call through once its stages are done."""

    sessions: UiaSessionStore
    writer: Writer
    clock: Clock
    ids: Ids

    async def __call__(
        self, requirement: Requirement, call: UiaCall, verifiers: Mapping[str, Verifier]
    ) -> Callable[[Draft], None]:
        """Return when all is done; UiaChallengeError otherwise, or what a verifier raises.

        What it returns is to be called in the batch that performs the call: it ends the
        session.
        """
        stored = await self._stored(call.auth)
        outcome = await check(
            requirement,
            call.binding,
            stored,
            call.auth,
            new_session_id=self.ids.token(24),
            verifiers=verifiers,
        )
        if isinstance(outcome, Failure):
            raise outcome.error
        if isinstance(outcome, Challenge):
            if outcome.session != stored:
                await self._store(outcome.session)
            raise UiaChallengeError(**outcome.body)

        def spend(draft: Draft) -> None:
            if stored is not None:
                self.sessions.drop(draft, stored.session_id)

        return spend

    async def _stored(self, auth: Json) -> UiaSession | None:
        named = auth.get("session") if isinstance(auth, dict) else None
        if not isinstance(named, str):
            return None
        return await self.sessions.find(named, self.clock.now_ms())

    async def _store(self, session: UiaSession) -> None:
        def change(draft: Draft) -> None:
            self.sessions.purge(draft)
            self.sessions.put(draft, session, draft.now + SESSION_MS)

        await self.writer.submit(change)
