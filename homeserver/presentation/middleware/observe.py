"""The hook through which telemetry sees requests; the composition root plugs it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Observed(Protocol):
    """A request, over HTTP or a socket."""

    @property
    def method(self) -> str:
        """The HTTP method; for a frame, `FRAME`."""
        ...

    @property
    def label(self) -> str:
        """The route's label (bounded)."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers, of which only `traceparent` is read."""
        ...


class RequestObserver(Protocol):
    """Told of every request but OPTIONS. Neither method may raise or block.

    Both run in the request's own task, so that context variables bound in `begin` hold for
    the handler. A request on a socket is told of like one over HTTP. Never log headers: they
    can hold an access token.
    """

    def begin(self, request: Observed) -> None:
        """Note that a request starts; its route is known."""
        ...

    def end(self, request: Observed, status: int, seconds: float) -> None:
        """Note that its answer is ready to be written: 499 when its client left first."""
        ...


class NullObserver:
    """An observer that does nothing."""

    __slots__ = ()

    def begin(self, request: Observed) -> None:
        """Ignore it."""

    def end(self, request: Observed, status: int, seconds: float) -> None:
        """Ignore it."""
