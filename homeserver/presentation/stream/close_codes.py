"""Why a socket is closed, as the client reads it."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeserver.domain.shared.errors import MatrixError


class CloseCode(IntEnum):
    """The codes of docs/reference/stream.md, "Close codes"."""

    NORMAL = 1000
    GOING_AWAY = 1001
    TOO_BIG = 1009
    BAD_FRAME = 4000
    UNKNOWN_TOKEN = 4001
    FORBIDDEN = 4003
    SILENT = 4008
    TOO_MANY = 4029
    UNAVAILABLE = 4503


_OF_STATUS = {
    401: CloseCode.UNKNOWN_TOKEN,
    403: CloseCode.FORBIDDEN,
    413: CloseCode.TOO_BIG,
    429: CloseCode.TOO_MANY,
}
_SERVER_ERROR = 500


def close_code_of(error: MatrixError) -> CloseCode:
    """The code that says what an error's HTTP status says."""
    if error.status >= _SERVER_ERROR:
        return CloseCode.UNAVAILABLE
    return _OF_STATUS.get(error.status, CloseCode.BAD_FRAME)
