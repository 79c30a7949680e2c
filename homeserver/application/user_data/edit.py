"""Reading and writing account data and tags for their owner (spec "Client Config", "Tags")."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from homeserver.application.user_data.account_data import PUSH_RULES
from homeserver.application.user_data.items import GLOBAL
from homeserver.domain.receipts.receipts import FULLY_READ
from homeserver.domain.shared.errors import (
    BadJsonError,
    ForbiddenError,
    InvalidParamError,
    NotFoundError,
    TooLargeError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.application.user_data.items import DataKey, UserData

TAGS: Final = "m.tag"
MANAGED: Final = frozenset({FULLY_READ, PUSH_RULES[1]})
MAX_TYPE: Final = 255
MAX_TAG: Final = 255
MAX_CONTENT: Final = 1024 * 1024
"""Bytes of one item."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class ManagedDataError(BadJsonError):
    """A type that only the server changes."""

    status = 405


class EditAccountData:
    """What the owner of account data may do with it."""

    def __init__(self, data: AccountData, rooms: RoomRegistry, writer: Writer) -> None:
        """Keep it here."""
        self._data = data
        self._rooms = rooms
        self._writer = writer

    async def get(
        self, requester: Requester, user_id: str, room_id: str | None, kind: str
    ) -> bytes:
        """The JSON of one item, global without `room_id`.

        Raises ForbiddenError for another's data and for rooms that the requester was never
        in, NotFoundError where there is no such item.
        """
        data, nid = await self._of(requester, user_id, room_id)
        item = data.items.get((nid, kind))
        if item is None:
            raise NotFoundError("Account data not found")
        return item.content_json

    async def put(
        self,
        requester: Requester,
        user_id: str,
        room_id: str | None,
        kind: str,
        content: dict[str, Any],
    ) -> None:
        """Replace one item.

        Raises as `get` does, ManagedDataError for what the server manages, InvalidParamError
        for a type of more than 255 bytes, TooLargeError for more than `MAX_CONTENT` bytes.
        """
        data, nid = await self._of(requester, user_id, room_id)
        if kind in MANAGED:
            raise ManagedDataError(f"{kind} cannot be set through this endpoint")
        if len(kind.encode()) > MAX_TYPE:
            raise InvalidParamError("The type is too long")
        await self._write(data, (nid, kind), content)

    async def tags(self, requester: Requester, user_id: str, room_id: str) -> bytes:
        """The JSON of a room's tags, none where it never had any."""
        data, nid = await self._of(requester, user_id, room_id)
        item = data.items.get((nid, TAGS))
        return item.content_json if item is not None else b'{"tags":{}}'

    async def put_tag(
        self, requester: Requester, user_id: str, room_id: str, tag: str, content: dict[str, Any]
    ) -> None:
        """Add or replace a tag. Raises as `put` does."""
        if len(tag.encode()) > MAX_TAG:
            raise InvalidParamError("The tag is too long")
        async with self._tags(requester, user_id, room_id) as tags:
            tags[tag] = content

    async def delete_tag(self, requester: Requester, user_id: str, room_id: str, tag: str) -> None:
        """Take a tag away, where it is there."""
        async with self._tags(requester, user_id, room_id) as tags:
            tags.pop(tag, None)

    @asynccontextmanager
    async def _tags(
        self, requester: Requester, user_id: str, room_id: str
    ) -> AsyncIterator[dict[str, Any]]:
        """Let the tags of a room be changed; one change after the other."""
        data, nid = await self._of(requester, user_id, room_id)
        async with data.lock:
            item = data.items.get((nid, TAGS))
            content = _decode(item.content_json) if item is not None else {}
            tags = content.get("tags")
            before = dict(tags) if isinstance(tags, dict) else {}
            after = dict(before)
            yield after
            if after != before:
                await self._write(data, (nid, TAGS), {**content, "tags": after})

    async def _write(self, data: UserData, key: DataKey, content: dict[str, Any]) -> None:
        body = _encode(content)
        if len(body) > MAX_CONTENT:
            raise TooLargeError("Account data is too large")
        await self._writer.submit(lambda draft: self._data.put(draft, data, key, body))

    async def _of(
        self, requester: Requester, user_id: str, room_id: str | None
    ) -> tuple[UserData, int]:
        if user_id != requester.user_id:
            raise ForbiddenError("Account data is for its owner alone")
        nid = GLOBAL if room_id is None else await self._room(requester, room_id)
        return await self._data.of(requester.user_nid), nid

    async def _room(self, requester: Requester, room_id: str) -> int:
        """The number of a room that the requester is or was in or was invited to."""
        if not room_id.startswith("!"):
            raise InvalidParamError("Not a room id")
        try:
            room = await self._rooms.get(room_id)
        except NotFoundError:
            raise ForbiddenError("You are not in this room") from None
        if room.membership_of(requester.user_id) is None:
            raise ForbiddenError("You are not in this room")
        return room.nid
