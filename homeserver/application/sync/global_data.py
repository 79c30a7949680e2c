"""What is no room's in /sync: global account data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from homeserver.application.sync.rules import Named
from homeserver.application.user_data.items import GLOBAL

if TYPE_CHECKING:
    from homeserver.application.sync.context import Span
    from homeserver.application.user_data.account_data import AccountData

_encode = msgspec.json.Encoder().encode


class GlobalData:
    """Builds the top-level `account_data`."""

    def __init__(self, account_data: AccountData) -> None:
        """Read from here."""
        self._account_data = account_data

    async def __call__(self, span: Span) -> list[bytes]:
        """Return the events that are new; all of them in an initial sync.

        Asked for where `span.user_changed`.
        """
        data = await self._account_data.of(span.requester.user_nid)
        accepts = span.rules.global_data
        return [
            b'{"type":%b,"content":%b}' % (_encode(kind), item.content_json)
            for kind, item in data.of_room(GLOBAL).items()
            if (span.initial or span.is_new(item.slot, item.pos))
            and (accepts is None or accepts(Named(kind)))
        ]
