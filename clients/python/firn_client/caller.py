"""Calls that are made until they are answered: other servers, waits, new access tokens."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import msgspec

from firn_client.backoff import Attempts, Backoff
from firn_client.calls import accounts
from firn_client.errors import (
    ConnectionFailedError,
    FirnError,
    NotLoggedInError,
    UnknownTokenError,
)
from firn_client.http import Http

if TYPE_CHECKING:
    from collections.abc import Callable

    from firn_client.calls.call import Call
    from firn_client.servers import Servers
    from firn_client.session import Session, SessionStore

T = TypeVar("T")
FOR_EVER = float("inf")


def now() -> float:
    """Seconds of a clock that never goes back."""
    return asyncio.get_running_loop().time()


@dataclass
class Caller:
    """Makes calls for the session, if there is one.

    A call is tried again where that is safe, for `patience` seconds.
    """

    servers: Servers
    store: SessionStore
    patience: float = 120.0
    backoff: Backoff = field(default_factory=Backoff)
    dice: Callable[[], float] = random.random
    http: Http = field(default_factory=Http)
    session: Session | None = None
    _renewing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _saving: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def user_id(self) -> str:
        """Who is logged in. Raises NotLoggedInError."""
        return self.require_session().user_id

    def require_session(self) -> Session:
        """The session. Raises NotLoggedInError."""
        if self.session is None:
            raise NotLoggedInError("log in first")
        return self.session

    async def __call__(self, call: Call[T], *, patience: float | None = None) -> T:
        """Make the call. Raises MatrixError, ConnectionFailedError, NotLoggedInError."""
        attempts = Attempts(
            repeatable=call.repeatable,
            patience=self.patience if patience is None else patience,
            now=now(),
            backoff=self.backoff,
            dice=self.dice,
        )
        renewed = False
        while True:
            token = self.require_session().access_token if call.authorized else None
            server = self.servers.current
            try:
                return await self.http.once(server, call, token)
            except UnknownTokenError:
                if token is None or renewed or not await self.renew(token):
                    raise
                renewed = True
            except FirnError as failure:
                wait = attempts.after(failure, now())
                if wait is None:
                    raise
                await asyncio.sleep(0 if self._hop(server, failure) else wait)

    def _hop(self, server: str, failure: FirnError) -> bool:
        """After a failure of the server itself go to the next; whether one is there."""
        gone = isinstance(failure, ConnectionFailedError) or getattr(failure, "status", 0) in GONE
        return gone and self.servers.failed(server, now())

    async def renew(self, token: str) -> bool:
        """Get a new access token in place of this one; whether there is another now."""
        async with self._renewing:
            session = self.require_session()
            if session.access_token != token:
                return True
            if session.refresh_token is None:
                return False
            try:
                fresh = await self(accounts.refresh(session.refresh_token))
            except UnknownTokenError:
                return False
            await self.keep(
                access_token=fresh.access_token,
                refresh_token=fresh.refresh_token or session.refresh_token,
            )
            return True

    async def keep(self, **changes: str | None) -> None:
        """Change the session and save it."""
        self.session = msgspec.structs.replace(self.require_session(), **changes)
        async with self._saving:
            if self.session is not None:
                await self.store.save(self.session)


GONE = (502, 503, 504)
