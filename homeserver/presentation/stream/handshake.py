"""The handshake: what is asked before a socket is opened (docs/reference/stream.md)."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Final

from homeserver.domain.shared.errors import InvalidParamError, MissingTokenError, UnrecognizedError
from homeserver.presentation.middleware.authentication import bearer_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.web import WebSocketResponse

    from homeserver.presentation.request import Request

PROTOCOL: Final = "firn.v1"
TOKEN_PREFIX: Final = "firn.token."  # noqa: S105 (the name of a subprotocol)


class UpgradeRequiredError(UnrecognizedError):
    """A request for the stream that is no WebSocket handshake."""

    status = 426


def check_handshake(request: Request, socket: WebSocketResponse) -> None:
    """Refuse, in HTTP, what cannot become a socket that speaks `firn.v1`.

    Raises UpgradeRequiredError and InvalidParamError.
    """
    upgrade = request.headers.get("Upgrade", "")
    if request.method != "GET" or upgrade.strip().lower() != "websocket":
        raise UpgradeRequiredError("This is a WebSocket: send Upgrade: websocket")
    if PROTOCOL not in _offered(request.headers):
        raise InvalidParamError(f"Offer the subprotocol {PROTOCOL}")
    if not socket.can_prepare(request.raw):
        raise InvalidParamError("Not a WebSocket handshake of version 13")


def stream_token(headers: Mapping[str, str]) -> str:
    """The access token: of the header, else of a subprotocol; MissingTokenError without it."""
    token = bearer_token(headers) or _offered_token(headers)
    if token is None:
        raise MissingTokenError("Missing access token")
    return token


def _offered(headers: Mapping[str, str]) -> list[str]:
    return [name.strip() for name in headers.get("Sec-WebSocket-Protocol", "").split(",")]


def _offered_token(headers: Mapping[str, str]) -> str | None:
    for name in _offered(headers):
        if name.startswith(TOKEN_PREFIX):
            return _decoded(name.removeprefix(TOKEN_PREFIX))
    return None


def _decoded(text: str) -> str | None:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode() or None
    except (Base64Error, ValueError):
        return None
