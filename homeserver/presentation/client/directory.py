"""The room directory: published rooms, and whether a room is one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from homeserver.application.rooms.list_public_rooms import DirectoryQuery, directory_filter
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError
from homeserver.presentation.client.fields import flag, integer, list_of, object_of, text
from homeserver.presentation.responses import empty_object, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.rooms.list_public_rooms import ListPublicRooms
    from homeserver.application.rooms.room_aliases import RoomAliases
    from homeserver.application.rooms.room_visibility import RoomVisibility
    from homeserver.domain.shared.json import JsonObject
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response
    from homeserver.presentation.routing import Handler

_CLIENT = "/_matrix/client/v3"
PAGE = 100
MAX_PAGE = 500


@dataclass(frozen=True, slots=True)
class DirectoryCases:
    """The use cases behind these routes."""

    public_rooms: ListPublicRooms
    visibility: RoomVisibility
    aliases: RoomAliases


def directory_routes(cases: DirectoryCases) -> tuple[Route, ...]:
    """All routes of the directory but those of single aliases."""
    r0 = ("r0",)
    public, listed = f"{_CLIENT}/publicRooms", f"{_CLIENT}/directory/list/room/{{roomId}}"
    aliases = f"{_CLIENT}/rooms/{{roomId}}/aliases"
    searching = _searching(cases.public_rooms)
    return (
        Route("GET", public, _listing(cases.public_rooms), Auth.NONE, "reads", r0),
        Route("POST", public, searching, Auth.USER, "reads", r0),
        Route("GET", listed, _getting(cases.visibility), Auth.NONE, "reads", r0),
        Route("PUT", listed, _setting(cases.visibility), Auth.USER, "rooms", r0),
        Route("GET", aliases, _aliases(cases.aliases), Auth.USER, "reads", r0),
    )


def _listing(public_rooms: ListPublicRooms) -> Handler:
    async def get_public_rooms(request: Request) -> Response:
        """List the published rooms."""
        query = DirectoryQuery(
            limit=request.int_param("limit", PAGE, 1, MAX_PAGE),
            since=request.param("since") or None,
            server=request.param("server") or None,
        )
        return json_response(await public_rooms(query))

    return get_public_rooms


def _searching(public_rooms: ListPublicRooms) -> Handler:
    async def post_public_rooms(request: Request) -> Response:
        """Search the published rooms."""
        body = await request.json_object()
        return json_response(await public_rooms(_query(body, request.param("server") or None)))

    return post_public_rooms


def _query(body: JsonObject, server: str | None) -> DirectoryQuery:
    network = text(body, "third_party_instance_id") or None
    everywhere = flag(body, "include_all_networks")
    if everywhere and network is not None:
        raise InvalidParamError("third_party_instance_id is for one network, not for all")
    asked = object_of(body, "filter")
    limit = integer(body, "limit")
    if limit is not None and limit < 1:
        raise InvalidParamError("limit must be at least 1")
    wanted = directory_filter(text(asked, "generic_search_term") or "", _room_types(asked))
    return DirectoryQuery(
        limit=min(limit or PAGE, MAX_PAGE),
        since=text(body, "since") or None,
        server=server,
        wanted=replace(wanted, network=network, all_networks=everywhere),
    )


def _room_types(asked: JsonObject) -> tuple[str | None, ...] | None:
    if asked.get("room_types") is None:
        return None
    kinds: list[Any] = list_of(asked, "room_types")
    if not all(kind is None or isinstance(kind, str) for kind in kinds):
        raise BadJsonError("room_types must be a list of texts and nulls")
    return tuple(dict.fromkeys(kinds))


def _getting(visibility: RoomVisibility) -> Handler:
    async def get_visibility(request: Request) -> Response:
        """Whether a room is published."""
        published = await visibility.get(request.params["roomId"])
        return json_response({"visibility": "public" if published else "private"})

    return get_visibility


def _setting(visibility: RoomVisibility) -> Handler:
    async def put_visibility(request: Request) -> Response:
        """Publish a room or withdraw it."""
        wanted = text(await request.json_object(), "visibility") or "public"
        if wanted not in {"public", "private"}:
            raise InvalidParamError("visibility must be private or public")
        published = wanted == "public"
        await visibility.set(request.requester, request.params["roomId"], published=published)
        return empty_object()

    return put_visibility


def _aliases(room_aliases: RoomAliases) -> Handler:
    async def get_aliases(request: Request) -> Response:
        """The aliases of a room."""
        found = await room_aliases(request.requester, request.params["roomId"])
        return json_response({"aliases": found})

    return get_aliases
