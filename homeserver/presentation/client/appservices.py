"""What application services alone may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import InvalidParamError
from homeserver.presentation.client.fields import required_text, text
from homeserver.presentation.responses import empty_object, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.appservices.ping import PingService
    from homeserver.application.appservices.show_in_network import ShowInNetwork
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


def appservice_routes(ping: PingService, show: ShowInNetwork) -> tuple[Route, ...]:
    """`/appservice/…`, and the directories of services' networks."""

    async def post_ping(request: Request) -> Response:
        """Have this server call the application service."""
        transaction_id = text(await request.json_object(), "transaction_id")
        took = await ping(request.requester, request.params["appserviceId"], transaction_id)
        return json_response({"duration_ms": took})

    async def put_visibility(request: Request) -> Response:
        """Show a room in the directory of one's network, or no longer."""
        visibility = required_text(await request.json_object(), "visibility")
        if visibility not in {"public", "private"}:
            raise InvalidParamError("visibility must be private or public")
        params, shown = request.params, visibility == "public"
        await show(request.requester, params["networkId"], params["roomId"], shown=shown)
        return empty_object()

    listed = "/_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}"
    pinged = "/_matrix/client/v1/appservice/{appserviceId}/ping"
    return (
        Route("POST", pinged, post_ping, Auth.SERVICE, "reads"),
        Route("PUT", listed, put_visibility, Auth.SERVICE, "rooms", ("r0",)),
    )
