"""Tags of rooms (Client-Server API, "Room Tagging")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.errors import BadJsonError
from homeserver.presentation.responses import empty_object, json_bytes
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.user_data.edit import EditAccountData
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


def tag_routes(data: EditAccountData) -> tuple[Route, ...]:
    """List, set and remove a user's tags of a room."""

    async def get_tags(request: Request) -> Response:
        """One's tags of a room."""
        return json_bytes(await data.tags(request.requester, *_place(request)))

    async def put_tag(request: Request) -> Response:
        """Tag a room."""
        content = await request.json_object(optional=True)
        _check_order(content)
        await data.put_tag(request.requester, *_place(request), request.params["tag"], content)
        return empty_object()

    async def delete_tag(request: Request) -> Response:
        """Take a tag off a room."""
        await data.delete_tag(request.requester, *_place(request), request.params["tag"])
        return empty_object()

    tags = "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags"
    return (
        Route("GET", tags, get_tags, Auth.USER, "reads", ("r0",)),
        Route("PUT", f"{tags}/{{tag}}", put_tag, Auth.USER, "messages", ("r0",)),
        Route("DELETE", f"{tags}/{{tag}}", delete_tag, Auth.USER, "messages", ("r0",)),
    )


def _place(request: Request) -> tuple[str, str]:
    return request.params["userId"], request.params["roomId"]


def _check_order(content: dict[str, Any]) -> None:
    """`order` is a number from 0 to 1, where there is one."""
    order = content.get("order")
    if order is None:
        return
    if isinstance(order, bool) or not isinstance(order, int | float):
        raise BadJsonError("order must be a number")
    if not 0 <= order <= 1:
        raise BadJsonError("order must be between 0 and 1")
