"""The sockets that are open on this worker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

from homeserver.domain.shared.errors import LimitExceededError
from homeserver.infrastructure.telemetry import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from homeserver.domain.shared.errors import MatrixError

RETRY_MS: Final = 10_000
_POLL_SECONDS: Final = 0.02


class OpenSocket(Protocol):
    """What the registry tells a socket."""

    @property
    def user_nid(self) -> int:
        """Whose it is."""
        ...

    @property
    def of_service(self) -> bool:
        """Whether an application service opened it with its own token."""
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
        self._tasks: set[asyncio.Task[None]] = set()
        self.draining = False

    def __len__(self) -> int:
        """How many are open."""
        return sum(map(len, self._of_user.values()))

    def make_room(self, user_nid: int) -> None:
        """Refuse one more socket, with LimitExceededError, where its user has too many."""
        if len(self._of_user.get(user_nid, ())) >= self.per_user():
            raise LimitExceededError(RETRY_MS)

    def add(self, socket: OpenSocket) -> None:
        """Note a socket."""
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
            self.spawn(socket.check())

    def services_changed(self) -> None:
        """Let the sockets of application services find out whether they are still registered."""
        for socket in self._all():
            if socket.of_service:
                self.spawn(socket.check())

    def drain(self) -> None:
        """Close all, each after the last frame that is due; the worker stops."""
        self.draining = True
        for socket in self._all():
            socket.drain()

    async def closed(self, seconds: float) -> None:
        """Wait until all that runs for sockets is done, at most so long."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self._tasks or self._of_user:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return
            await asyncio.sleep(min(_POLL_SECONDS, left))

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something for a socket; it is waited for when the worker stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _all(self) -> list[OpenSocket]:
        return [socket for held in self._of_user.values() for socket in held]
