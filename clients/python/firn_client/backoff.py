"""When to try again, and when to give up. Pure: the caller brings time and chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from firn_client.errors import ConnectionFailedError, LimitExceededError, MatrixError

if TYPE_CHECKING:
    from collections.abc import Callable

    from firn_client.errors import FirnError

PASSING = (500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from `first` to `longest` seconds, each shortened by chance up to half."""

    first: float = 0.1
    longest: float = 10.0

    def wait(self, failures: int, chance: float) -> float:
        """Seconds to wait after so many failures (1, 2 …); `chance` is in [0, 1)."""
        whole: float = min(self.longest, self.first * 2 ** min(failures - 1, 32))
        return whole * (1 - chance / 2)


class Attempts:
    """The tries of one call, which ends when `patience` seconds are over."""

    def __init__(
        self,
        *,
        repeatable: bool,
        patience: float,
        now: float,
        backoff: Backoff,
        dice: Callable[[], float],
    ) -> None:
        self._repeatable = repeatable
        self._until = now + patience
        self._backoff = backoff
        self._dice = dice
        self._failures = 0

    def after(self, failure: FirnError, now: float) -> float | None:
        """Seconds to wait before the next try; None to give up: there `failure` is final."""
        if not self._is_safe(failure):
            return None
        self._failures += 1
        wait = self._backoff.wait(self._failures, self._dice())
        if isinstance(failure, LimitExceededError):
            wait = failure.retry_after or wait
        return wait if now + wait <= self._until else None

    def _is_safe(self, failure: FirnError) -> bool:
        if isinstance(failure, LimitExceededError):
            return True
        if isinstance(failure, ConnectionFailedError):
            return self._repeatable or not failure.sent
        return self._repeatable and isinstance(failure, MatrixError) and failure.status in PASSING
