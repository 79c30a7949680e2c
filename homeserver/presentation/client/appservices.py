"""What application services alone may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.presentation.client.fields import text
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.appservices.ping import PingService
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


def appservice_routes(ping: PingService) -> tuple[Route, ...]:
    """`/appservice/…`."""

    async def post_ping(request: Request) -> Response:
        """Have this server call the application service."""
        transaction_id = text(await request.json_object(), "transaction_id")
        took = await ping(request.requester, request.params["appserviceId"], transaction_id)
        return json_response({"duration_ms": took})

    path = "/_matrix/client/v1/appservice/{appserviceId}/ping"
    return (Route("POST", path, post_ping, Auth.SERVICE, "reads"),)
