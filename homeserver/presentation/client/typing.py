"""Typing notifications (Client-Server API, "Typing Notifications")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.errors import BadJsonError, MissingParamError
from homeserver.presentation.responses import empty_object
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.typing.set_typing import SetTyping
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

DEFAULT_MS = 30_000


def typing_routes(set_typing: SetTyping) -> tuple[Route, ...]:
    """`/typing/{userId}`."""

    async def put_typing(request: Request) -> Response:
        """Say that one is typing, or no longer."""
        seconds = seconds_of_typing(await request.json_object())
        params = request.params
        await set_typing(request.requester, params["roomId"], params["userId"], seconds)
        return empty_object()

    path = "/_matrix/client/v3/rooms/{roomId}/typing/{userId}"
    return (Route("PUT", path, put_typing, Auth.USER, "typing", ("r0",)),)


def seconds_of_typing(body: dict[str, Any]) -> float | None:
    """How long the user types; None for no longer."""
    if "typing" not in body:
        raise MissingParamError("typing is missing")
    typing, timeout = body["typing"], body.get("timeout", DEFAULT_MS)
    if not isinstance(typing, bool):
        raise BadJsonError("typing must be true or false")
    if isinstance(timeout, bool) or not isinstance(timeout, int):
        raise BadJsonError("timeout must be an integer")
    return timeout / 1000 if typing and timeout > 0 else None
