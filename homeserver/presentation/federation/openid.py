"""`GET /openid/userinfo`: the one route of the Server-Server API that nobody signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import MissingTokenError
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.accounts.openid import OpenIdUserInfo
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response


def userinfo_routes(user_info: OpenIdUserInfo) -> tuple[Route, ...]:
    """The one route of this endpoint."""

    async def get_userinfo(request: Request) -> Response:
        """Whose OpenID token this is."""
        token = request.param("access_token")
        if not token:
            raise MissingTokenError("Missing access token")
        return json_response(await user_info(token))

    path = "/_matrix/federation/v1/openid/userinfo"
    return (Route("GET", path, get_userinfo, Auth.NONE, "reads"),)
