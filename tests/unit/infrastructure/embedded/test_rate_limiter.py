"""Token buckets in memory, against a plain model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.application.ports.rate_limiter import Limit
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter


class Clock:
    """Time that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    limiter = MemoryRateLimiter({"c": Limit(2, 3)}, clock=clock)
    assert [limiter.check("k", "c") for _ in range(5)] == [None, None, None, 500, 500]
    clock.now += 0.5
    assert [limiter.check("k", "c") for _ in range(2)] == [None, 500]
    clock.now += 60
    assert [limiter.check("k", "c") for _ in range(4)] == [None, None, None, 500]


def test_keys_and_classes_are_apart_and_unknown_classes_unlimited() -> None:
    limiter = MemoryRateLimiter({"c": Limit(1, 1), "d": Limit(1, 1)}, clock=Clock())
    checks = [("k", "c"), ("l", "c"), ("k", "d"), ("k", "e"), ("k", "e"), ("k", "c")]
    assert [limiter.check(*check) for check in checks] == [None] * 5 + [1000]


@given(st.lists(st.integers(0, 3000), max_size=60), st.integers(1, 5))
def test_it_is_a_token_bucket(pauses_ms: list[int], burst: int) -> None:
    clock = Clock()
    limiter = MemoryRateLimiter({"c": Limit(1, burst)}, clock=clock)
    tokens_ms = burst * 1000
    for pause in pauses_ms:
        clock.now += pause / 1000
        tokens_ms = min(burst * 1000, tokens_ms + pause)
        wait = limiter.check("k", "c")
        if tokens_ms >= 1000:
            assert wait is None or tokens_ms == 1000  # rounding decides at the very edge
            tokens_ms -= 1000 if wait is None else 0
        else:
            assert wait is not None
            assert abs(wait - (1000 - tokens_ms)) <= 1


def test_memory_is_bounded_and_full_buckets_are_dropped() -> None:
    clock = Clock()
    limiter = MemoryRateLimiter({"c": Limit(1, 1)}, max_keys=100, clock=clock)
    for number in range(1000):
        limiter.check(str(number), "c")
    assert len(limiter) == 100
    assert limiter.check("999", "c") == 1000
    clock.now += 2
    for number in range(60):
        limiter.check(f"new {number}", "c")
    assert len(limiter) == 60


def test_limits_change_while_running() -> None:
    limiter = MemoryRateLimiter({"c": Limit(1, 1), "d": Limit(1, 1)}, clock=Clock())
    for name in "cd":
        assert limiter.check("k", name) is None
    limiter.configure({"c": Limit(1, 1), "d": Limit(1, 2)})
    assert limiter.check("k", "c") == 1000
    assert limiter.check("k", "d") is None


@pytest.mark.parametrize("limit", [(0, 1), (-1, 1), (1, 0)])
def test_senseless_limits_are_refused(limit: tuple[float, int]) -> None:
    with pytest.raises(ValueError, match="limit needs"):
        Limit(*limit)
