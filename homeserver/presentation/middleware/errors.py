"""From failures to answers: the one place where an exception becomes a status and JSON.

| raised | answered |
|---|---|
| MatrixError and its subclasses | their `status` and `errcode`, with their `extra` keys |
| LimitExceededError | the same, with `Retry-After` in whole seconds |
| UnavailableError | the same, with `Retry-After` of one second |
| MethodNotAllowedError | the same, with `Allow` |
| TooLargeError, RequestTimedOutError | the same, and the connection is closed |
| ConnectionError while the client has gone | nothing; not logged as an error |
| asyncio.CancelledError | passed on |
| OutageError (the database is away) | 503 M_UNKNOWN; one line goes to the log |
| anything else | 500 M_UNKNOWN; the traceback goes to the log under the trace id |
"""

from __future__ import annotations

import logging
from math import ceil
from typing import TYPE_CHECKING

import msgspec

from homeserver.domain.shared.errors import (
    LimitExceededError,
    MatrixError,
    OutageError,
    TooLargeError,
    UnavailableError,
)
from homeserver.infrastructure.telemetry.trace import current
from homeserver.presentation.http_errors import MethodNotAllowedError, RequestTimedOutError
from homeserver.presentation.responses import Response

if TYPE_CHECKING:
    from homeserver.presentation.middleware.observe import Observed
    from homeserver.presentation.request import Request

CLIENT_CLOSED_REQUEST = 499

_log = logging.getLogger(__name__)


def error_object(error: MatrixError) -> dict[str, object]:
    """The error object of a refusal.

    An empty `errcode` (the first step of user-interactive authentication) leaves only the
    error's `extra` keys.
    """
    if not error.errcode:
        return dict(error.extra)
    return {"errcode": error.errcode, "error": _readable(error.message), **error.extra}


def matrix_error_response(error: MatrixError) -> Response:
    """Answer with the error object of a refusal."""
    response = Response(error.status, msgspec.json.encode(error_object(error)))
    if isinstance(error, LimitExceededError):
        response.headers["Retry-After"] = str(ceil(error.retry_after_ms / 1000))
    elif isinstance(error, UnavailableError):
        response.headers["Retry-After"] = "1"
    elif isinstance(error, MethodNotAllowedError):
        response.headers["Allow"] = ", ".join((*error.allowed, "OPTIONS"))
    elif isinstance(error, TooLargeError | RequestTimedOutError):
        response.force_close()  # the rest of the body is not worth reading
    return response


def failure_response(request: Request, error: Exception) -> Response:
    """Answer any exception that a handler let out."""
    if isinstance(error, MatrixError):
        return matrix_error_response(error)
    if isinstance(error, ConnectionError) and request.raw.transport is None:
        _log.debug("Client left during %s %s", request.method, request.label)
        return Response(CLIENT_CLOSED_REQUEST, b"")
    return matrix_error_response(refusal_of(request, error))


def refusal_of(work: Observed, error: Exception) -> MatrixError:
    """What a client is told of any exception; one that is no refusal is logged."""
    if isinstance(error, MatrixError):
        return error
    if isinstance(error, OutageError):
        _log.warning("An outage in %s %s: %s", work.method, work.label, error)
        return UnavailableError("The server cannot do this right now: try again")
    trace = current()
    trace_id = trace.trace_id if trace else "none"
    _log.error(
        "Unexpected failure in %s %s (trace %s)",
        work.method,
        work.label,
        trace_id,
        exc_info=error,
    )
    return _UnexpectedError(f"Internal server error (trace {trace_id})")


class _UnexpectedError(MatrixError):
    status = 500


def _readable(message: str) -> str:
    """Drop lone surrogates, which JSON cannot carry (header bytes that were not UTF-8)."""
    return message if message.isascii() else message.encode(errors="replace").decode()
