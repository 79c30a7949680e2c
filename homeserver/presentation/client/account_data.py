"""Account data (Client-Server API, "Client Config")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.presentation.responses import empty_object, json_bytes
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.user_data.edit import EditAccountData
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


def account_data_routes(data: EditAccountData) -> tuple[Route, ...]:
    """Global account data, and that of one room."""

    async def get_account_data(request: Request) -> Response:
        """Read one's account data, global or of a room."""
        params = request.params
        body = await data.get(
            request.requester, params["userId"], params.get("roomId"), params["type"]
        )
        return json_bytes(body)

    async def put_account_data(request: Request) -> Response:
        """Set one's account data, global or of a room."""
        params, content = request.params, await request.json_object()
        await data.put(
            request.requester, params["userId"], params.get("roomId"), params["type"], content
        )
        return empty_object()

    user = "/_matrix/client/v3/user/{userId}"
    paths = (f"{user}/account_data/{{type}}", f"{user}/rooms/{{roomId}}/account_data/{{type}}")
    return tuple(
        row
        for path in paths
        for row in (
            Route("GET", path, get_account_data, Auth.USER, "reads", ("r0",)),
            Route("PUT", path, put_account_data, Auth.USER, "messages", ("r0",)),
        )
    )
