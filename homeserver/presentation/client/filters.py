"""Stored filters (Client-Server API, "Filtering")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import ForbiddenError
from homeserver.presentation.responses import json_bytes, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.user_data.filters import Filters
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

MAX_FILTER = 64 * 1024


def filter_routes(filters: Filters) -> tuple[Route, ...]:
    """Store a filter, and read it back."""

    async def post_filter(request: Request) -> Response:
        """Store a filter for later syncs."""
        _check_owner(request)
        body = await request.json_object()
        filter_id = await filters.add(request.requester.user_nid, body)
        return json_response({"filter_id": filter_id})

    async def get_filter(request: Request) -> Response:
        """Read a stored filter."""
        _check_owner(request)
        user = request.requester.user_nid
        return json_bytes(await filters.get(user, request.params["filterId"]))

    path = "/_matrix/client/v3/user/{userId}/filter"
    return (
        Route("POST", path, post_filter, Auth.USER, "messages", ("r0",), max_body=MAX_FILTER),
        Route("GET", f"{path}/{{filterId}}", get_filter, Auth.USER, "reads", ("r0",)),
    )


def _check_owner(request: Request) -> None:
    if request.params["userId"] != request.requester.user_id:
        raise ForbiddenError("Filters are for their owner alone")
