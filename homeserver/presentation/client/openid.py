"""OpenID tokens, and whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.accounts.openid import RequestOpenIdToken
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_PATH = "/_matrix/client/v3/user/{userId}/openid/request_token"


def openid_routes(request_token: RequestOpenIdToken) -> tuple[Route, ...]:
    """The one route of this endpoint."""

    async def post_request_token(request: Request) -> Response:
        """Get a token that shows another service who one is."""
        await request.json_object(optional=True)
        return json_response(await request_token(request.requester, request.params["userId"]))

    return (Route("POST", _PATH, post_request_token, Auth.USER, "devices", ("r0",)),)
