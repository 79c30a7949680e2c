"""Guessing at passwords is slowed down, logging in is not."""

from __future__ import annotations

import pytest

from homeserver.application.accounts.login_guard import LOGIN_FAILURES, LoginGuard
from homeserver.application.ports.rate_limiter import Limit
from homeserver.domain.shared.errors import LimitExceededError
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter


class Clock:
    seconds = 50.0

    def now_ms(self) -> int:
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


def make() -> tuple[LoginGuard, Clock]:
    clock = Clock()
    limiter = MemoryRateLimiter({LOGIN_FAILURES: Limit(0.1, 3)}, clock=clock.monotonic)
    return LoginGuard(limiter, clock), clock


def fail(guard: LoginGuard, times: int, user: str = "@a:b", client: str = "1.1.1.1") -> None:
    for _ in range(times):
        guard.check(user, client)
        guard.failed(user, client)


def test_D4_after_too_many_failures_nothing_is_checked_any_more() -> None:
    guard, clock = make()
    fail(guard, 3)
    with pytest.raises(LimitExceededError) as caught:
        fail(guard, 1)
    assert 9_000 < caught.value.retry_after_ms <= 10_000
    with pytest.raises(LimitExceededError):
        guard.check("@a:b", "1.1.1.1")
    clock.seconds += 11
    guard.check("@a:b", "1.1.1.1")


def test_other_accounts_and_addresses_are_not_held_up() -> None:
    guard, _ = make()
    with pytest.raises(LimitExceededError):
        fail(guard, 4)
    fail(guard, 3, user="@c:b")
    fail(guard, 3, client="2.2.2.2")


def test_checks_alone_cost_nothing() -> None:
    guard, _ = make()
    for _ in range(100):
        guard.check("@a:b", "1.1.1.1")
    fail(guard, 3)
