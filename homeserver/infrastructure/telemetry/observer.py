"""HTTP requests as traces, metrics and log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from homeserver.infrastructure.telemetry import trace
from homeserver.infrastructure.telemetry.metrics import count_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.ports.ids import Ids

log = structlog.get_logger(__name__)
SERVER_ERROR = 500


class Observed(Protocol):
    """What is told of a request: nothing that could hold a token."""

    @property
    def method(self) -> str:
        """The HTTP method."""
        ...

    @property
    def label(self) -> str:
        """The route's pattern."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Only `traceparent` is read."""
        ...


class RequestTelemetry:
    """Plugs into `presentation.middleware.observe`: one trace and one count per request.

    Requests are not logged one by one (that costs more than many of them); failures are.
    """

    def __init__(self, ids: Ids) -> None:
        """Make span ids from here."""
        self._traces = trace.Traces(ids)

    def begin(self, request: Observed) -> None:
        """Work for the caller's trace, or a new one."""
        trace.enter(self._traces.begin(request.headers.get("traceparent")))

    def end(self, request: Observed, status: int, seconds: float) -> None:
        """Count the answer; log it where the server failed."""
        count_request(request.label, request.method, status)
        if status >= SERVER_ERROR:
            log.warning(
                "http.failed",
                route=request.label,
                method=request.method,
                status=status,
                seconds=round(seconds, 4),
            )
