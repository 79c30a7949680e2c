"""Filters: stored once, parsed once (Client-Server API, "Filtering")."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.shared.canonical_json import decode_json, encode_canonical
from homeserver.domain.shared.errors import InvalidParamError, NotFoundError
from homeserver.domain.sync.filter import EVERYTHING
from homeserver.domain.sync.filter_parse import parse_filter

if TYPE_CHECKING:
    from homeserver.application.ports.user_data_store import UserDataStore
    from homeserver.application.ports.writer import Writer
    from homeserver.domain.sync.filter import Filter

KEEP: Final = 10_000
MAX_KEPT: Final = 4096
"""Larger filters are parsed each time: nobody shall fill the memory with them."""
_ID_BYTES: Final = 9


class Filters:
    """Keeps users' filters and understands the `filter` parameter of /sync."""

    def __init__(self, store: UserDataStore, writer: Writer) -> None:
        """Keep them here."""
        self._store = store
        self._writer = writer
        self._parsed: OrderedDict[tuple[int, str], Filter] = OrderedDict()

    async def resolve(self, user_nid: int, text: str | None) -> Filter:
        """Give the filter that a query names: nothing, inline JSON or the id of a stored one.

        Raises InvalidParamError for an unknown id, and what `parse_filter` raises.
        """
        if not text:
            return EVERYTHING
        # who wrote an inline filter does not matter: users share its parsed form
        key = (0, text) if text.startswith("{") else (user_nid, text)
        found = self._parsed.get(key)
        if found is not None:
            self._parsed.move_to_end(key)
            return found
        source = await self._source(*key)
        found = parse_filter(decode_json(source))
        if len(source) <= MAX_KEPT:
            self._parsed[key] = found
        if len(self._parsed) > KEEP:
            self._parsed.popitem(last=False)
        return found

    async def add(self, user_nid: int, json: dict[str, Any]) -> str:
        """Store a filter and return its id: the same one for the same filter.

        Raises what `parse_filter` raises.
        """
        parse_filter(json)
        body = encode_canonical(json)
        filter_id = blake2b(body, digest_size=_ID_BYTES).hexdigest()
        if await self._store.filter(user_nid, filter_id) is None:
            await self._writer.submit(
                lambda draft: self._store.write_filter(draft, user_nid, filter_id, body)
            )
        return filter_id

    async def get(self, user_nid: int, filter_id: str) -> bytes:
        """The JSON of a stored filter. Raises NotFoundError."""
        body = await self._store.filter(user_nid, filter_id)
        if body is None:
            raise NotFoundError("No such filter")
        return body

    async def _source(self, user_nid: int, text: str) -> bytes:
        if user_nid == 0:
            return text.encode()
        body = await self._store.filter(user_nid, text)
        if body is None:
            raise InvalidParamError("No such filter")
        return body
