"""What relates to events, and a room's threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from homeserver.application.relations.get_relations import RelationsQuery
from homeserver.domain.shared.errors import InvalidParamError
from homeserver.domain.sync.filter import MAX_LIMIT
from homeserver.domain.sync.position import encode_position
from homeserver.presentation.client.rendering import timeline_json
from homeserver.presentation.responses import json_bytes
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.relations.get_relations import GetRelations
    from homeserver.application.relations.get_threads import GetThreads
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

DEFAULT_LIMIT: Final = 20
_ROOM = "/_matrix/client/v1/rooms/{roomId}"
_PARENT = f"{_ROOM}/relations/{{eventId}}"


@dataclass(frozen=True, slots=True)
class RelationCases:
    """What the routes do."""

    relations: GetRelations
    threads: GetThreads


def relation_routes(cases: RelationCases) -> tuple[Route, ...]:
    """Relations of events, by kind and type, and threads."""

    async def relations(request: Request) -> Response:
        """Page through what relates to an event."""
        query = _query(request)
        page = await cases.relations(request.requester, request.params["roomId"], query)
        body = [b'{"chunk":', timeline_json(request, page.view, page.events, page.bundles)]
        if page.next is not None:
            body.append(b',"next_batch":"%b"' % encode_position(page.next).encode())
        if page.previous is not None:
            body.append(b',"prev_batch":"%b"' % encode_position(page.previous).encode())
        if request.param("recurse") is not None:
            body.append(b',"recursion_depth":%d' % page.depth)
        return json_bytes(b"".join([*body, b"}"]))

    async def threads(request: Request) -> Response:
        """Page through a room's threads, the one with the newest reply first."""
        include = request.choice("include", ("all", "participated"), "all")
        page = await cases.threads(
            request.requester,
            request.params["roomId"],
            start=request.param("from") or None,
            limit=_limit(request),
            participated=include == "participated",
        )
        body = [b'{"chunk":', timeline_json(request, page.view, page.roots, page.bundles)]
        if page.next is not None:
            body.append(b',"next_batch":"%b"' % encode_position(page.next).encode())
        return json_bytes(b"".join([*body, b"}"]))

    paths = (_PARENT, f"{_PARENT}/{{relType}}", f"{_PARENT}/{{relType}}/{{eventType}}")
    return (
        *(Route("GET", path, relations, Auth.USER, "reads") for path in paths),
        Route("GET", f"{_ROOM}/threads", threads, Auth.USER, "reads"),
    )


def _query(request: Request) -> RelationsQuery:
    params = request.params
    return RelationsQuery(
        parent_id=params["eventId"],
        rel_type=params.get("relType"),
        event_type=params.get("eventType"),
        backwards=request.choice("dir", ("b", "f"), "b") == "b",
        start=request.param("from") or None,
        to=request.param("to") or None,
        limit=_limit(request),
        recurse=request.flag("recurse"),
    )


def _limit(request: Request) -> int:
    """More than we give at once is cut, nothing at all is refused."""
    limit = request.int_param("limit", DEFAULT_LIMIT, 0, MAX_LIMIT)
    if limit < 1:
        raise InvalidParamError("limit must be greater than zero")
    return limit
