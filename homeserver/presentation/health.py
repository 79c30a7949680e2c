"""Probes for supervisors and gateways, and metrics for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.presentation.responses import Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.presentation.request import Request


@dataclass(frozen=True, slots=True)
class Probes:
    """What the process says about itself.

    `live` is false when it must be restarted; `ready` is false when it should get no
    requests now (no lease, storage down). `metrics` gives the text of all metrics and its
    content type. None of them may block.
    """

    live: Callable[[], bool]
    ready: Callable[[], bool]
    metrics: Callable[[], tuple[bytes, str]]

    async def handle_live(self, _request: Request) -> Response:
        """Answer 200, or 503 once this process must be restarted."""
        return _verdict(self.live())

    async def handle_ready(self, request: Request) -> Response:
        """Answer 200, or 503 while this process should get no requests."""
        return _verdict(not request.drain.draining and self.ready())

    async def handle_metrics(self, _request: Request) -> Response:
        """Figures for Prometheus."""
        body, content_type = self.metrics()
        return Response(200, body, content_type)


def _verdict(ok: bool) -> Response:
    return json_response({"ok": ok}, 200 if ok else 503)
