"""`POST /search` (Client-Server API, "Server Side Search")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.application.search.criteria import GROUP_KEYS, Criteria, Surroundings
from homeserver.domain.search.document import KEYS
from homeserver.domain.shared.canonical_json import encode_json
from homeserver.domain.shared.errors import BadJsonError, InvalidParamError, MissingParamError
from homeserver.domain.sync.filter import MAX_LIMIT, RoomEventFilter
from homeserver.domain.sync.filter_parse import parse_room_event_filter
from homeserver.domain.sync.position import encode_position
from homeserver.presentation.client.fields import flag, list_of, object_of, required_text, text
from homeserver.presentation.client.rendering import state_json, timeline_json
from homeserver.presentation.responses import json_bytes, json_response
from homeserver.presentation.routing import Auth, Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from homeserver.application.search.criteria import Result, Results
    from homeserver.application.search.search_events import SearchEvents
    from homeserver.domain.events.event import Event
    from homeserver.domain.search.document import SearchKey
    from homeserver.domain.shared.json import JsonObject
    from homeserver.presentation.request import Request
    from homeserver.presentation.responses import Response

ORDERS = ("rank", "recent")
MAX_TERM = 1000
"""Characters of a query."""
_CONTEXT = b'{"start":"%b","end":"%b","events_before":%b,"events_after":%b%b}'


def search_routes(search_events: SearchEvents) -> tuple[Route, ...]:
    """Full-text search."""

    async def search(request: Request) -> Response:
        """Find messages, names and topics of rooms by their words."""
        criteria = _criteria(await request.json_object(), request.param("next_batch"))
        if criteria is None:
            return json_response({"search_categories": {}})
        found = await search_events(request.requester, criteria)
        body = _results_json(request, found, criteria)
        return json_bytes(b'{"search_categories":{"room_events":%b}}' % body)

    path = "/_matrix/client/v3/search"
    return (Route("POST", path, search, Auth.USER, "searches", versions=("r0",)),)


def _criteria(body: JsonObject, next_batch: str | None) -> Criteria | None:
    """What is asked of the one category that there is; None where nothing is.

    Raises MissingParamError, BadJsonError, InvalidParamError.
    """
    if "search_categories" not in body:
        raise MissingParamError("search_categories is missing")
    categories = object_of(body, "search_categories")
    if "room_events" not in categories:
        return None
    wanted = object_of(categories, "room_events")
    term = required_text(wanted, "search_term")
    if len(term) > MAX_TERM:
        raise InvalidParamError(f"search_term must have {MAX_TERM} characters at most")
    order = text(wanted, "order_by") or ORDERS[0]
    if order not in ORDERS:
        raise InvalidParamError("order_by must be rank or recent")
    chosen = object_of(wanted, "filter")
    return Criteria(
        term,
        keys=_keys(wanted),
        filter=parse_room_event_filter(chosen) if chosen else RoomEventFilter(),
        ranked=order == "rank",
        surroundings=_surroundings(wanted),
        include_state=flag(wanted, "include_state"),
        group_by=_groups(wanted),
        next_batch=next_batch or None,
    )


def _keys(wanted: JsonObject) -> Sequence[SearchKey]:
    if wanted.get("keys") is None:
        return tuple(KEYS.values())
    keys = list_of(wanted, "keys")
    if not all(isinstance(key, str) for key in keys):
        raise BadJsonError("keys must be a list of strings")
    if not all(key in KEYS for key in keys):
        raise InvalidParamError(f"keys must be of: {', '.join(KEYS)}")
    return tuple(dict.fromkeys(KEYS[key] for key in keys))


def _surroundings(wanted: JsonObject) -> Surroundings | None:
    if wanted.get("event_context") is None:
        return None
    chosen = object_of(wanted, "event_context")
    before, after = (_count(chosen, name) for name in ("before_limit", "after_limit"))
    return Surroundings(before, after, flag(chosen, "include_profile"))


def _count(chosen: JsonObject, name: str) -> int:
    value = chosen.get(name)
    if value is None:
        return Surroundings().before
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadJsonError(f"{name} must be an integer")
    if value < 0:
        raise InvalidParamError(f"{name} must not be negative")
    return min(value, MAX_LIMIT)


def _groups(wanted: JsonObject) -> Sequence[str]:
    keys: dict[str, None] = {}
    for group in list_of(object_of(wanted, "groupings"), "group_by"):
        if not isinstance(group, dict):
            raise BadJsonError("group_by must be a list of objects")
        key = required_text(group, "key")
        if key not in GROUP_KEYS:
            raise InvalidParamError(f"A group's key must be of: {', '.join(GROUP_KEYS)}")
        keys[key] = None
    return tuple(keys)


def _results_json(request: Request, found: Results, criteria: Criteria) -> bytes:
    fields: dict[str, bytes] = {
        "count": b"%d" % found.count,
        "highlights": encode_json(list(found.highlights)),
        "results": _listed(_result_json(request, result) for result in found.results),
    }
    if criteria.include_state:
        states = {room_id: state_json(state) for room_id, state in found.state.items()}
        fields["state"] = _object(states)
    if criteria.group_by:
        groups = {key: _grouped(found.results, key) for key in criteria.group_by}
        fields["groups"] = encode_json(groups)
    if found.next_batch is not None:
        fields["next_batch"] = encode_json(found.next_batch)
    return _object(fields)


def _result_json(request: Request, result: Result) -> bytes:
    event = timeline_json(request, result.view, [result.item], result.bundles)[1:-1]
    fields = {"rank": b"%.6f" % result.rank, "result": event}
    around = result.around
    if around is not None:
        profiles = b""
        if result.profiles:
            profiles = b',"profile_info":' + encode_json(_profiles(result.profiles))
        fields["context"] = _CONTEXT % (
            encode_position(around.start).encode(),
            encode_position(around.end).encode(),
            timeline_json(request, result.view, around.before, result.bundles),
            timeline_json(request, result.view, around.after, result.bundles),
            profiles,
        )
    return _object(fields)


def _profiles(members: Iterable[Event]) -> dict[str, Any]:
    """Names and avatars by user id, as member events have them."""
    return {
        str(event.state_key): {
            name: event.content[name]
            for name in ("displayname", "avatar_url")
            if isinstance(event.content.get(name), str)
        }
        for event in members
    }


def _grouped(results: Sequence[Result], key: str) -> dict[str, Any]:
    """The results of this page by room or sender; groups are in the order of their first ones."""
    groups: dict[str, Any] = {}
    for result in results:
        event = result.item.event
        value = event.room_id if key == "room_id" else event.sender
        group = groups.setdefault(value, {"order": len(groups) + 1, "results": []})
        group["results"].append(event.event_id)
    return groups


def _object(fields: dict[str, bytes]) -> bytes:
    return b"{%b}" % b",".join(b"%b:%b" % (encode_json(k), v) for k, v in fields.items())


def _listed(items: Iterable[bytes]) -> bytes:
    return b"[%b]" % b",".join(items)
