"""`POST /user_directory/search` (Client-Server API, "User Directory")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import BadJsonError, InvalidParamError
from homeserver.presentation.client.fields import required_text
from homeserver.presentation.client.search import MAX_TERM
from homeserver.presentation.responses import json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from homeserver.application.ports.user_directory import Person
    from homeserver.application.search.search_users import SearchUsers
    from homeserver.domain.shared.json import JsonObject
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

DEFAULT_LIMIT = 10
MAX_LIMIT = 50


def user_directory_routes(search_users: SearchUsers) -> tuple[Route, ...]:
    """Looking for people."""

    async def search(request: Request) -> Response:
        """Find users by their ids and names."""
        body = await request.json_object()
        term = required_text(body, "search_term")
        if len(term) > MAX_TERM:
            raise InvalidParamError(f"search_term must have {MAX_TERM} characters at most")
        found = await search_users(request.requester, term, _limit(body))
        results = [_person_json(person) for person in found.people]
        return json_response({"results": results, "limited": found.limited})

    path = "/_matrix/client/v3/user_directory/search"
    return (Route("POST", path, search, Auth.USER, "searches", versions=("r0",)),)


def _limit(body: JsonObject) -> int:
    limit = body.get("limit")
    if limit is None:
        return DEFAULT_LIMIT
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise BadJsonError("limit must be an integer")
    if limit < 0:
        raise InvalidParamError("limit must not be negative")
    return min(limit, MAX_LIMIT)


def _person_json(person: Person) -> dict[str, str]:
    found = {"user_id": person.user_id}
    if person.displayname is not None:
        found["display_name"] = person.displayname
    if person.avatar_url is not None:
        found["avatar_url"] = person.avatar_url
    return found
