"""`/directory/room/{roomAlias}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.presentation.client.fields import required_text
from homeserver.presentation.responses import empty_object, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.publish_alias import PublishAlias
    from homeserver.application.rooms.remove_alias import RemoveAlias
    from homeserver.application.rooms.resolve_alias import ResolveAlias
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response
    from homeserver.presentation.routing import Handler

_PATH = "/_matrix/client/v3/directory/room/{roomAlias}"


@dataclass(frozen=True, slots=True)
class AliasCases:
    """The use cases behind these routes."""

    resolve: ResolveAlias
    publish: PublishAlias
    remove: RemoveAlias
    server_name: str


def alias_routes(cases: AliasCases) -> tuple[Route, ...]:
    """Resolve, publish and remove an alias."""
    r0 = ("r0",)
    return (
        Route("GET", _PATH, _resolving(cases), Auth.NONE, limit="reads", versions=r0),
        Route("PUT", _PATH, _publishing(cases.publish), limit="rooms", versions=r0),
        Route("DELETE", _PATH, _removing(cases.remove), limit="rooms", versions=r0),
    )


def _resolving(cases: AliasCases) -> Handler:
    async def get_alias(request: Request) -> Response:
        """Find the room that an alias names."""
        room_id = await cases.resolve(request.params["roomAlias"])
        return json_response({"room_id": room_id, "servers": [cases.server_name]})

    return get_alias


def _publishing(publish: PublishAlias) -> Handler:
    async def put_alias(request: Request) -> Response:
        """Give a room an alias."""
        room_id = required_text(await request.json_object(), "room_id")
        await publish(request.requester, request.params["roomAlias"], room_id)
        return empty_object()

    return put_alias


def _removing(remove: RemoveAlias) -> Handler:
    async def delete_alias(request: Request) -> Response:
        """Take an alias away."""
        await remove(request.requester, request.params["roomAlias"])
        return empty_object()

    return delete_alias
