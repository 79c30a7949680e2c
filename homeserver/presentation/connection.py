"""aiohttp's connection, changed where its answers are not ours.

What happens when a client goes away: aiohttp's `handler_cancellation` would cancel every
handler, also one that is between two writes. It is off: a send whose client left is still
carried out and its transaction id remembered. Only long-polls, which wait and read, are
cancelled (`cancel_on_loss`), so that what they hold is freed at once and not when their
timeout ends.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from aiohttp import web

from homeserver.presentation.http_errors import MalformedRequestError
from homeserver.presentation.middleware.errors import matrix_error_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)


class Connection(web.RequestHandler):
    """One client connection."""

    __slots__ = ("cancel_on_loss",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take aiohttp's arguments."""
        super().__init__(*args, **kwargs)
        self.cancel_on_loss: asyncio.Task[Any] | None = None

    def current_task(self) -> asyncio.Task[Any] | None:
        """The task that runs, in the loop of this connection.

        Without naming the loop Python asks the system for the process id first: a
        twentieth of a delivery, before 3.12.
        """
        return asyncio.current_task(self._loop)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Free what waits for this client."""
        super().connection_lost(exc)
        if self.cancel_on_loss is not None:
            self.cancel_on_loss.cancel()
            self.cancel_on_loss = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 (quotes the request line, which can hold a token)
    ) -> web.StreamResponse:
        """Answer what is not HTTP, in JSON; neither answer nor log quotes it."""
        _log.info("Malformed HTTP from %s: %s", request.remote, type(exc).__name__)
        error = MalformedRequestError("Malformed HTTP request")
        error.status = status
        response = matrix_error_response(error)
        response.force_close()
        return response


class ConnectionFactory(web.Server):
    """aiohttp's low-level server, making our connections."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        **options: Any,
    ) -> None:
        """Keep the options of each connection; compressed bodies stay compressed."""
        super().__init__(handler)
        self._options = {"auto_decompress": False, "access_log": None, **options}

    def __call__(self) -> Connection:
        """Make the protocol of a new connection."""
        return Connection(self, loop=self._loop, **self._options)
