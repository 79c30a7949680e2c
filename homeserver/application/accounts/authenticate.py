"""From access tokens to requesters: the first thing that every request asks."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from math import inf
from typing import TYPE_CHECKING

from homeserver.application.accounts.errors import StaleError, UserLockedError
from homeserver.domain.accounts.refresh import Refused, use_access_token
from homeserver.domain.shared.errors import UnavailableError, UnknownTokenError

if TYPE_CHECKING:
    from homeserver.application.ports.account_listeners import SessionListener
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.token_store import TokenRecord, TokenStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.accounts.refresh import TokenFamily

MAX_CACHED = 100_000
LEASE_SECONDS = 1.0
PATIENCE_SECONDS = 3.0
"""How long one look into the store may take: a request must not hang with the store."""
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Entry:
    requester: Requester
    expires_ts: float


@dataclass(eq=False, slots=True)
class _Reading:
    """A look into the store that is under way, and whose sessions changed meanwhile."""

    invalid: set[int] = field(default_factory=set)


class Authenticate:
    """See `Authenticator`, `SessionCheck` and `SessionCache`.

    Good tokens are remembered until `invalidate_user`, of which `listeners` hear then. With `leased`, what is remembered
    counts only within a second of what the last `renew` stands for, which the reader of the log
    calls when it is up to date: without it, each token is looked up anew.
    """

    def __init__(
        self,
        tokens: TokenStore,
        writer: Writer,
        clock: Clock,
        *,
        leased: bool = False,
        max_cached: int = MAX_CACHED,
    ) -> None:
        """Begin with nothing in memory."""
        self._tokens = tokens
        self._writer = writer
        self._clock = clock
        self._max_cached = max_cached
        self._lease_until = -inf if leased else inf
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._of_user: dict[int, set[bytes]] = {}
        self._readings: set[_Reading] = set()
        self.listeners: list[SessionListener] = []

    async def authenticate(self, token: str) -> Requester:
        """See `Authenticator.authenticate`; UserLockedError for a locked account."""
        key = sha256(token.encode(errors="surrogatepass")).digest()
        return self._remembered(key) or await self._requester_of(key)

    async def check_session(self, requester: Requester) -> None:
        """See `SessionCheck.check_session`."""
        if self._remembered(requester.token_hash) is None:
            await self._requester_of(requester.token_hash)

    def _remembered(self, key: bytes) -> Requester | None:
        entry = self._entries.get(key)
        if (
            entry is not None
            and (self._lease_until is inf or self._clock.monotonic() < self._lease_until)
            and (entry.expires_ts is inf or self._clock.now_ms() < entry.expires_ts)
        ):
            self._entries.move_to_end(key)
            return entry.requester
        return None

    async def _requester_of(self, key: bytes) -> Requester:
        record = await self._look_up(key)
        if record.locked:
            raise UserLockedError
        return record.requester

    async def authenticate_to_log_out(self, token: str) -> Requester:
        """Like `authenticate`, but lets locked accounts through."""
        key = sha256(token.encode(errors="surrogatepass")).digest()
        return (await self._look_up(key)).requester

    def renew(self, age: float = 0.0) -> None:
        """Note that all changes until so many seconds ago are known here."""
        self._lease_until = self._clock.monotonic() - age + LEASE_SECONDS

    def invalidate_user(self, user_nid: int) -> None:
        """See `SessionCache.invalidate_user`."""
        for key in self._of_user.pop(user_nid, ()):
            self._entries.pop(key, None)
        for reading in self._readings:
            reading.invalid.add(user_nid)
        for listener in self.listeners:
            listener(user_nid)

    async def _look_up(self, key: bytes) -> TokenRecord:
        self._forget(key)
        reading = _Reading()
        self._readings.add(reading)
        try:
            record = await self._read(key, reading)
        finally:
            self._readings.discard(reading)
        if not record.locked and record.pair.user_nid not in reading.invalid:
            self._remember(key, record)
        return record

    async def _read(self, key: bytes, reading: _Reading) -> TokenRecord:
        for _ in range(_ATTEMPTS):
            record = await self._find(key)
            if record is None:
                raise UnknownTokenError("Unknown access token")
            family = use_access_token(record.family, record.pair.number)
            if isinstance(family, Refused) or self._has_expired(record):
                raise UnknownTokenError("This access token is no longer valid", soft_logout=True)
            if family == record.family or await self._move(record, family, reading):
                return record
        raise UnavailableError("Too much contention")

    async def _find(self, key: bytes) -> TokenRecord | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._tokens.find_access(key)
        except TimeoutError:
            raise UnavailableError("The store does not answer") from None

    def _has_expired(self, record: TokenRecord) -> bool:
        return record.expires_ts is not None and record.expires_ts <= self._clock.now_ms()

    async def _move(self, record: TokenRecord, family: TokenFamily, reading: _Reading) -> bool:
        """Store the first use of a pair: all older ones end."""

        def change(draft: Draft) -> None:
            self._tokens.move(draft, record.pair, record.family, family)
            draft.touch_user(record.pair.user_nid)
            draft.on_commit(lambda: self._end_older(record.pair.user_nid, reading))

        try:
            await self._writer.submit(change, conflict=StaleError())
        except StaleError:
            return False
        return True

    def _end_older(self, user_nid: int, reading: _Reading) -> None:
        """Forget what older pairs opened, but trust the reading that has just ended them."""
        was_invalid = user_nid in reading.invalid
        self.invalidate_user(user_nid)
        if not was_invalid:
            reading.invalid.discard(user_nid)

    def _remember(self, key: bytes, record: TokenRecord) -> None:
        user_nid = record.pair.user_nid
        expires = inf if record.expires_ts is None else record.expires_ts
        self._entries[key] = _Entry(record.requester, expires)
        self._of_user.setdefault(user_nid, set()).add(key)
        if len(self._entries) > self._max_cached:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        keys = self._of_user.get(entry.requester.user_nid, set())
        keys.discard(key)
        if not keys:
            self._of_user.pop(entry.requester.user_nid, None)
