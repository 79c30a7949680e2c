"""Many accounts at once: the store's own writing, without HTTP and without password hashes.

A registration costs 30 ms, nearly all of it the hash of the password. Nobody logs in here: a
user is only known by a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.accounts.authenticate import Authenticate
from homeserver.application.accounts.open_session import LoginWish, OpenSession, TokenMint
from homeserver.application.ports.account_store import Account
from homeserver.infrastructure.sql.accounts import SqlAccountStore
from homeserver.infrastructure.sql.devices import SqlDeviceStore
from homeserver.infrastructure.sql.key_store import SqlKeyStore
from homeserver.infrastructure.sql.tokens import SqlTokenStore
from homeserver.infrastructure.sql.users import SqlUserStore
from tests.load.engine import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.accounts.open_session import Session
    from homeserver.application.writing.draft import Draft
    from homeserver.bootstrap.core import Core
    from tests.load.places import Place

AT_ONCE = 200
_WISH = LoginWish()


async def make_users(place: Place, names: Sequence[str]) -> list[str]:
    """Make users; give lines of `user_id access_token`, which csload's `-tokens` reads."""
    async with opened(place) as engine:
        crowd = _Crowd.of(engine.core)
        sessions: list[Session] = []
        for start in range(0, len(names), AT_ONCE):
            sessions += await crowd.add(names[start : start + AT_ONCE])
    return [f"{session.user_id} {session.tokens.access}\n" for session in sessions]


@dataclass(frozen=True)
class _Crowd:
    """What makes an account and its first login."""

    core: Core
    users: SqlUserStore
    accounts: SqlAccountStore
    login: OpenSession

    @classmethod
    def of(cls, core: Core) -> _Crowd:
        tokens, accounts = SqlTokenStore(core.database), SqlAccountStore(core.database)
        login = OpenSession(
            accounts=accounts,
            devices=SqlDeviceStore(core.database),
            mint=TokenMint(tokens, core.ids),
            writer=core.writer,
            nids=core.writer,
            ids=core.ids,
            cache=Authenticate(tokens, core.writer, core.clock),
            signing_keys=SqlKeyStore(core.database),
        )
        return cls(core, SqlUserStore(core.database), accounts, login)

    async def add(self, names: Sequence[str]) -> list[Session]:
        """Make these in one batch."""

        def change(draft: Draft) -> list[Session]:
            return [self._add(draft, name) for name in names]

        return await self.core.writer.submit(change)

    def _add(self, draft: Draft, name: str) -> Session:
        user_id, nid = f"@{name}:{self.core.server_name}", self.core.writer.new_nid()
        self.users.add(draft, nid, user_id)
        self.accounts.add(draft, Account(nid, user_id))
        session = self.login.prepare(user_id, _WISH)
        self.login.write(draft, nid, session, _WISH, None)
        return session
