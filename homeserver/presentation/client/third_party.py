"""Look-ups in third-party networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.appservices.third_party import ThirdParty
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_OWN = frozenset({"access_token", "user_id", "device_id"})
"""Parameters that are for this server."""


def third_party_routes(third_party: ThirdParty) -> tuple[Route, ...]:
    """`/thirdparty/…`."""

    async def get_protocols(_request: Request) -> Response:
        """The third-party networks' protocols."""
        return json_response(await third_party.protocols())

    async def get_protocol(request: Request) -> Response:
        """One protocol."""
        return json_response(await third_party.protocol(request.params["protocol"]))

    async def get_locations(request: Request) -> Response:
        """Rooms that lead to a place in a network."""
        found = await third_party.locations(request.params["protocol"], _fields(request))
        return json_response(found)

    async def get_users(request: Request) -> Response:
        """Users that stand for somebody in a network."""
        found = await third_party.users(request.params["protocol"], _fields(request))
        return json_response(found)

    async def get_locations_of(request: Request) -> Response:
        """The places that an alias leads to."""
        return json_response(await third_party.locations_of(request.required_param("alias")))

    async def get_users_of(request: Request) -> Response:
        """Whom a user stands for."""
        return json_response(await third_party.users_of(request.required_param("userid")))

    base = "/_matrix/client/v3/thirdparty"
    rows = (
        ("protocols", get_protocols),
        ("protocol/{protocol}", get_protocol),
        ("location/{protocol}", get_locations),
        ("user/{protocol}", get_users),
        ("location", get_locations_of),
        ("user", get_users_of),
    )
    return tuple(
        Route("GET", f"{base}/{path}", handler, Auth.USER, "searches", ("r0",))
        for path, handler in rows
    )


def _fields(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in request.query.items() if name not in _OWN}
