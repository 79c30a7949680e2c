"""The hook through which telemetry sees requests; the composition root plugs it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from homeserver.presentation.request import Request


class RequestObserver(Protocol):
    """Told of every request but OPTIONS. Neither method may raise or block.

    Both run in the request's own task, so that context variables bound in `begin` hold for
    the handler. Use `request.method` and `request.label` (bounded); never log
    `request.query_string` or headers: they can hold an access token.
    """

    def begin(self, request: Request) -> None:
        """Note that a request starts; its route is known."""
        ...

    def end(self, request: Request, status: int, seconds: float) -> None:
        """Note that its answer is ready to be written: 499 when its client left first."""
        ...


class NullObserver:
    """An observer that does nothing."""

    __slots__ = ()

    def begin(self, request: Request) -> None:
        """Ignore it."""

    def end(self, request: Request, status: int, seconds: float) -> None:
        """Ignore it."""
