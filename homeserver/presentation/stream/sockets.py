"""The sockets that are open on this worker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from homeserver.domain.shared.errors import LimitExceededError
from homeserver.infrastructure.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from homeserver.domain.shared.errors import MatrixError

RETRY_MS: Final = 10_000


class OpenSocket(Protocol):
    """What the registry tells a socket."""

    @property
    def user_nid(self) -> int:
        """Whose it is."""
        ...

    async def check(self) -> None:
        """Close, where the session has ended."""
        ...

    def drain(self) -> None:
        """Close, after what is due now."""
        ...

    def refuse(self, error: MatrixError) -> None:
        """Close because of an error."""
        ...


class Sockets:
    """Knows who has sockets open, at most `per_user` each; a `SessionListener` too."""

    def __init__(self, per_user: Callable[[], int]) -> None:
        """Begin with none."""
        self.per_user = per_user
        self._of_user: dict[int, set[OpenSocket]] = {}
        self._checks: set[asyncio.Task[None]] = set()
        self.draining = False

    def __len__(self) -> int:
        """How many are open."""
        return sum(map(len, self._of_user.values()))

    def add(self, socket: OpenSocket) -> None:
        """Let a socket in; LimitExceededError where its user has too many."""
        held = self._of_user.get(socket.user_nid, ())
        if len(held) >= self.per_user():
            raise LimitExceededError(RETRY_MS)
        self._of_user.setdefault(socket.user_nid, set()).add(socket)
        metrics.open_sockets.inc()

    def remove(self, socket: OpenSocket) -> None:
        """Forget a socket."""
        held = self._of_user[socket.user_nid]
        held.remove(socket)
        if not held:
            del self._of_user[socket.user_nid]
        metrics.open_sockets.dec()

    def sessions_changed(self, user_nid: int) -> None:
        """Let the user's sockets find out whether their tokens are still good."""
        for socket in self._of_user.get(user_nid, ()):
            self._spawn(socket.check())

    def drain(self) -> None:
        """Close all, each after the last frame that is due; the worker stops."""
        self.draining = True
        for socket in self._all():
            socket.drain()

    def refuse(self, error: MatrixError) -> None:
        """Close all because of an error."""
        for socket in self._all():
            socket.refuse(error)

    def _all(self) -> list[OpenSocket]:
        return [socket for held in self._of_user.values() for socket in held]

    def _spawn(self, check: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(check)
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)
