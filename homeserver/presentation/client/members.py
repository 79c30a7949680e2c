"""Who is in a room: `…/members` and `…/joined_members`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.membership import MEMBERSHIPS
from homeserver.domain.shared.errors import InvalidParamError
from homeserver.presentation.client.rendering import state_json
from homeserver.presentation.responses import json_bytes
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.get_members import GetMembers
    from homeserver.application.rooms.joined_members import JoinedMembers
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

_ROOM = "/_matrix/client/v3/rooms/{roomId}"


def member_routes(get_members: GetMembers, joined_members: JoinedMembers) -> tuple[Route, ...]:
    """The members of a room."""

    async def members(request: Request) -> Response:
        """The member events of a room, now or at a point."""
        found = await get_members(
            request.requester,
            request.params["roomId"],
            at=request.param("at") or None,
            membership=_membership(request, "membership"),
            not_membership=_membership(request, "not_membership"),
        )
        return json_bytes(b'{"chunk":%b}' % state_json(found))

    async def joined(request: Request) -> Response:
        """Who is in a room, with names and avatars."""
        return json_bytes(await joined_members(request.requester, request.params["roomId"]))

    return (
        Route("GET", f"{_ROOM}/members", members, Auth.GUEST, "reads", versions=("r0",)),
        Route("GET", f"{_ROOM}/joined_members", joined, Auth.USER, "reads", versions=("r0",)),
    )


def _membership(request: Request, name: str) -> str | None:
    value = request.param(name)
    if value is not None and value not in MEMBERSHIPS:
        raise InvalidParamError(f"{name} must be one of: {', '.join(sorted(MEMBERSHIPS))}")
    return value
