"""What a worker remembers of tokens, and when it forgets it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from homeserver.application.accounts import authenticate as module
from homeserver.application.accounts.authenticate import LEASE_SECONDS, Authenticate
from homeserver.application.accounts.errors import UserLockedError
from homeserver.application.ports.token_store import Pair, TokenRecord
from homeserver.application.requester import Requester
from homeserver.application.writing.draft import Draft
from homeserver.domain.accounts.refresh import TokenFamily
from homeserver.domain.shared.errors import UnavailableError, UnknownTokenError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
USER = 7


class Tokens:
    """Tokens in a dictionary; counts how often it is asked, and may be held up."""

    def __init__(self) -> None:
        self.records: dict[bytes, TokenRecord] = {}
        self.reads = 0
        self.open = asyncio.Event()
        self.open.set()

    def issue(self, token: str, number: int = 1, **more: Any) -> None:
        key = sha256(token.encode()).digest()
        record = TokenRecord(
            Pair(USER, 1, 1, number),
            TokenFamily(issued=number, used=1, first_open=2),
            Requester("@a:b", USER, "D", 1, token_hash=key),
            locked=False,
            expires_ts=None,
        )
        self.records[key] = replace(record, **more)

    async def find_access(self, token_hash: bytes) -> TokenRecord | None:
        self.reads += 1
        found = self.records.get(token_hash)
        await self.open.wait()
        return found

    async def find_refresh(self, token_hash: bytes) -> TokenRecord | None:
        raise NotImplementedError

    def add_access(
        self, draft: Draft, token_hash: bytes, pair: Pair, expires_ts: int | None
    ) -> None:
        raise NotImplementedError

    def add_refresh(self, draft: Draft, token_hash: bytes, pair: Pair) -> None:
        raise NotImplementedError

    def revoke(self, draft: Draft, pair: Pair) -> None:
        raise NotImplementedError

    def move(self, draft: Draft, pair: Pair, old: TokenFamily, new: TokenFamily) -> None:
        for key, record in self.records.items():
            self.records[key] = replace(record, family=new)


class AtOnce:
    """A writer that commits each change by itself."""

    def __init__(self) -> None:
        self.commits = 0

    async def submit(self, change: Callable[[Draft], T], **_: Any) -> T:
        draft = Draft(1, 0, 0)
        result = change(draft)
        self.commits += 1
        for effect in draft.after:
            effect()
        return result


class Clock:
    """Time that a test sets."""

    seconds = 1000.0

    def now_ms(self) -> int:
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


class Setting:
    def __init__(self, **more: Any) -> None:
        self.tokens, self.writer, self.clock = Tokens(), AtOnce(), Clock()
        self.authenticate = Authenticate(self.tokens, self.writer, self.clock, **more)

    async def accepts(self, token: str) -> bool:
        try:
            await self.authenticate.authenticate(token)
        except UnknownTokenError:
            return False
        return True


async def test_a_good_token_is_looked_up_once() -> None:
    at = Setting()
    at.tokens.issue("t")
    first = await at.authenticate.authenticate("t")
    assert await at.authenticate.authenticate("t") is first
    assert (first.user_id, at.tokens.reads, at.writer.commits) == ("@a:b", 1, 0)


async def test_a_bad_token_is_not_remembered() -> None:
    at = Setting()
    assert not await at.accepts("t")
    at.tokens.issue("t")
    assert await at.accepts("t")


async def test_invalidated_users_are_looked_up_anew() -> None:
    at = Setting()
    at.tokens.issue("t")
    await at.authenticate.authenticate("t")
    at.tokens.records.clear()
    assert await at.accepts("t"), "nobody has said yet that it ended"
    at.authenticate.invalidate_user(USER + 1)
    assert await at.accepts("t")
    at.authenticate.invalidate_user(USER)
    assert not await at.accepts("t")


async def test_a_token_that_ends_while_it_is_looked_up_is_not_remembered() -> None:
    at = Setting()
    at.tokens.issue("t")
    at.tokens.open.clear()
    looking = asyncio.create_task(at.authenticate.authenticate("t"))
    await asyncio.sleep(0)
    at.tokens.records.clear()
    at.authenticate.invalidate_user(USER)
    at.tokens.open.set()
    assert (await looking).user_id == "@a:b", "it was good when the request came"
    assert not await at.accepts("t")


async def test_the_first_use_of_a_new_pair_ends_the_older_one_at_once() -> None:
    at = Setting()
    at.tokens.issue("old", 1, family=TokenFamily(issued=2, used=1, first_open=2))
    at.tokens.issue("new", 2)
    assert await at.accepts("old")
    assert await at.accepts("new")
    assert at.writer.commits == 1
    assert not await at.accepts("old")
    reads = at.tokens.reads
    assert await at.accepts("new")
    assert (at.writer.commits, at.tokens.reads) == (1, reads)


async def test_an_older_pair_looked_up_during_the_first_use_of_the_new_is_not_kept() -> None:
    at = Setting()
    at.tokens.issue("old", 1, family=TokenFamily(issued=2, used=1, first_open=2))
    at.tokens.issue("new", 2)
    at.tokens.open.clear()
    old = asyncio.create_task(at.accepts("old"))
    await asyncio.sleep(0)
    blocked, at.tokens.open = at.tokens.open, asyncio.Event()
    at.tokens.open.set()
    assert await at.accepts("new")
    blocked.set()
    await old
    assert not await at.accepts("old")


async def test_remembered_tokens_expire() -> None:
    at = Setting()
    at.tokens.issue("t", expires_ts=at.clock.now_ms() + 500)
    assert await at.accepts("t")
    at.clock.seconds += 0.6
    with pytest.raises(UnknownTokenError) as caught:
        await at.authenticate.authenticate("t")
    assert caught.value.extra == {"soft_logout": True}


async def test_without_a_lease_nothing_that_is_remembered_counts() -> None:
    at = Setting(leased=True)
    at.tokens.issue("t")
    await at.accepts("t")
    await at.accepts("t")
    assert at.tokens.reads == 2
    at.authenticate.renew()
    await at.accepts("t")
    assert at.tokens.reads == 2
    at.clock.seconds += LEASE_SECONDS
    at.tokens.records.clear()
    assert not await at.accepts("t")


async def test_a_lease_is_as_old_as_what_it_stands_for() -> None:
    at = Setting(leased=True)
    at.tokens.issue("t")
    at.authenticate.renew(LEASE_SECONDS / 2)
    await at.accepts("t")
    at.clock.seconds += LEASE_SECONDS / 2 + 0.01
    at.tokens.records.clear()
    assert not await at.accepts("t")


async def test_a_store_that_does_not_answer_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    at = Setting()
    at.tokens.issue("t")
    at.tokens.open.clear()
    with pytest.raises(UnavailableError):
        await at.authenticate.authenticate("t")
    at.tokens.open.set()
    assert await at.accepts("t")


async def test_locked_accounts_may_log_out_only() -> None:
    at = Setting()
    at.tokens.issue("t", locked=True)
    for _ in range(2):
        with pytest.raises(UserLockedError):
            await at.authenticate.authenticate("t")
        assert (await at.authenticate.authenticate_to_log_out("t")).user_nid == USER
    with pytest.raises(UserLockedError):
        await at.authenticate.authenticate("t")


async def test_memory_is_bounded_and_the_least_used_goes_first() -> None:
    at = Setting(max_cached=2)
    for token in ("a", "b"):
        at.tokens.issue(token)
        await at.accepts(token)
    await at.accepts("a")
    at.tokens.issue("c")
    await at.accepts("c")
    reads = at.tokens.reads
    await at.accepts("a")
    assert at.tokens.reads == reads
    await at.accepts("b")
    assert at.tokens.reads == reads + 1


async def test_a_remembered_token_costs_microseconds() -> None:
    at = Setting()
    at.tokens.issue("firn_" + "x" * 43)
    token = "firn_" + "x" * 43
    best = float("inf")
    for _ in range(20):
        started = time.perf_counter()
        for _ in range(500):
            await at.authenticate.authenticate(token)
        best = min(best, (time.perf_counter() - started) / 500)
    assert best < 10e-6, f"{best * 1e6:.2f} µs (about 1.5 on a quiet machine)"
