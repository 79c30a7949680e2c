"""`GET /initialSync` and `GET /events`: /sync in the words of before it (deprecated in r0)."""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import msgspec

from homeserver.application.sync.context import STATE_AFTER, SyncRequest
from homeserver.domain.rooms.membership import INVITE, JOIN, LEAVE
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.sync.filter import EventFilter, Filter, RoomEventFilter, RoomFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from homeserver.application.ports.directory_store import DirectoryStore
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.sync.sync import Sync
    from homeserver.application.user_data.account_data import AccountData

    Json = dict[str, Any]

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_NO_EVENTS: Final = RoomEventFilter(types=())
_NOTHING: Final = Filter(room=RoomFilter(rooms=()), account_data=EventFilter(types=()))
_ROOM_EVENTS: Final = Filter(
    room=RoomFilter(
        timeline=RoomEventFilter(limit=100), ephemeral=_NO_EVENTS, account_data=_NO_EVENTS
    ),
    account_data=EventFilter(types=()),
    presence=EventFilter(types=()),
)


class OldSync:
    """Tells what /sync tells; tokens are those of /sync.

    A device's messages are not part of these answers, so they stay in its inbox.
    """

    def __init__(
        self,
        sync: Sync,
        rooms: RoomRegistry,
        account_data: AccountData,
        directory: DirectoryStore,
    ) -> None:
        """Ask these."""
        self._sync = sync
        self._rooms = rooms
        self._account_data = account_data
        self._directory = directory

    async def initial(self, requester: Requester, limit: int, *, archived: bool) -> Json:
        """All rooms with their newest `limit` events; with `archived` those that were left."""
        wanted = _newest(limit, archived=archived)
        found = await self._ask(requester, SyncRequest(None, wanted, state_name=STATE_AFTER))
        end, rooms = found["next_batch"], found.get("rooms", {})
        listed = [_room(room_id, JOIN, part, end) for room_id, part in _items(rooms, "join")]
        for room_id, part in _items(rooms, "invite"):
            listed.append(await self._invited(requester, room_id, part))
        for room_id, part in _items(rooms, "leave"):
            membership = _ended_by(part, requester.user_id)
            listed.append(_room(room_id, membership, part, end))
        await self._tell_visibility(listed)
        return {
            "end": end,
            "rooms": listed,
            "presence": found.get("presence", {}).get("events", []),
            "account_data": found.get("account_data", {}).get("events", []),
        }

    async def _invited(self, requester: Requester, room_id: str, part: Json) -> Json:
        """The object `RoomInfo` of an invited room; its events are for members."""
        room = await self._rooms.get(room_id)
        data = (await self._account_data.of(requester.user_nid)).of_room(room.nid)
        return {
            "room_id": room_id,
            "membership": INVITE,
            "invite": _invitation(room_id, part, requester.user_id),
            "account_data": [
                {"type": kind, "content": _decode(item.content_json)} for kind, item in data.items()
            ],
        }

    async def _tell_visibility(self, listed: list[Json]) -> None:
        """Say of each room whether it is published; one statement for 512 of them."""
        published = await self._directory.published_among([each["room_id"] for each in listed])
        for each in listed:
            each["visibility"] = "public" if each["room_id"] in published else "private"

    async def events(self, requester: Requester, start: str | None, timeout_ms: int) -> Json:
        """What happened since `start` (None: now), waiting for the first of it.

        Of each room at most its newest 100 events. Raises InvalidParamError for a bad token.
        """
        if start is None:
            start = (await self._ask(requester, SyncRequest(None, _NOTHING)))["next_batch"]
        request = SyncRequest(start, _ROOM_EVENTS, timeout_ms=timeout_ms)
        found = await self._ask(requester, request)
        rooms = found.get("rooms", {})
        invited = _items(rooms, "invite")
        chunk = [_invitation(room_id, part, requester.user_id) for room_id, part in invited]
        for section in ("join", "leave"):
            for room_id, part in _items(rooms, section):
                listed = part["state"]["events"] + part["timeline"]["events"]
                chunk += [{**event, "room_id": room_id} for event in listed]
        return {"start": start, "end": found["next_batch"], "chunk": chunk}

    async def _ask(self, requester: Requester, request: SyncRequest) -> Json:
        return _decode(await self._sync(requester, request._replace(confirms=False)))


@cache
def _newest(limit: int, *, archived: bool) -> Filter:
    """One object for each of the few there are: compiled filters are kept by identity."""
    timeline = RoomEventFilter(limit=limit)
    return Filter(room=RoomFilter(include_leave=archived, timeline=timeline))


def _items(rooms: Json, section: str) -> Iterator[tuple[str, Json]]:
    yield from rooms.get(section, {}).items()


def _room(room_id: str, membership: str, part: Json, end: str) -> Json:
    """The object `RoomInfo`."""

    def placed(events: list[Json]) -> list[Json]:
        return [{**event, "room_id": room_id} for event in events]

    timeline = part["timeline"]
    return {
        "room_id": room_id,
        "membership": membership,
        "messages": {
            "start": timeline["prev_batch"],
            "end": end,
            "chunk": placed(timeline["events"]),
        },
        "state": placed(part["state_after"]["events"]),
        "account_data": part.get("account_data", {}).get("events", []),
    }


def _invitation(room_id: str, part: Json, user_id: str) -> Json:
    """The event that invites the user; the rest of an invited room is not told here."""
    own = _of_user(part["invite_state"]["events"], user_id)
    return {**own, "room_id": room_id}


def _ended_by(part: Json, user_id: str) -> str:
    """Whether the user left or was banned."""
    listed = chain(part["timeline"]["events"], part["state_after"]["events"])
    membership: str = _of_user(listed, user_id).get("content", {}).get("membership", LEAVE)
    return membership


def _of_user(events: Iterable[Json], user_id: str) -> Json:
    own = [e for e in events if e["type"] == MEMBER and e.get("state_key") == user_id]
    return own[-1] if own else {}
