"""How often somebody may guess at one account's password."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import LimitExceededError

if TYPE_CHECKING:
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.rate_limiter import RateLimiter

LOGIN_FAILURES = "login_failures"
_MAX_BLOCKED = 10_000


class LoginGuard:
    """Counts wrong passwords by account and address; right ones are free.

    Once they were too many, even the right one is refused until the limit allows another
    guess: otherwise guessing would go on as fast as ever.
    """

    def __init__(self, limiter: RateLimiter, clock: Clock) -> None:
        """Count with the limiter's class `login_failures`."""
        self._limiter = limiter
        self._clock = clock
        self._blocked: OrderedDict[str, float] = OrderedDict()

    def check(self, user_id: str, client: str) -> None:
        """Raise LimitExceededError while no further guess is allowed."""
        key = _key(user_id, client)
        until = self._blocked.get(key)
        if until is None:
            return
        left = until - self._clock.monotonic()
        if left > 0:
            raise LimitExceededError(max(1, int(left * 1000)))
        del self._blocked[key]

    def failed(self, user_id: str, client: str) -> None:
        """Count a wrong password; LimitExceededError where it was one too many."""
        key = _key(user_id, client)
        wait_ms = self._limiter.check(key, LOGIN_FAILURES)
        if wait_ms is None:
            return
        self._blocked[key] = self._clock.monotonic() + wait_ms / 1000
        if len(self._blocked) > _MAX_BLOCKED:
            self._blocked.popitem(last=False)
        raise LimitExceededError(wait_ms)


def _key(user_id: str, client: str) -> str:
    """Of one size, whatever was sent as a name."""
    return blake2b(f"{user_id} {client}".encode(), digest_size=16).hexdigest()
