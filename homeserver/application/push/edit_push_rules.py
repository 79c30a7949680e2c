"""Reading and changing one's push rules (spec "Push Rules: API")."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

import msgspec

from homeserver.application.user_data.account_data import PUSH_RULES
from homeserver.domain.push.edit_rules import (
    change_rule,
    delete_rule,
    find_rule,
    own_rules,
    put_rule,
)
from homeserver.domain.shared.errors import TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.writer import Writer
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.application.user_data.items import UserData
    from homeserver.domain.push.edit_rules import Place, RuleJson, RulesetJson

MAX_RULES: Final = 1000
"""Rules of a user's own."""
MAX_BYTES: Final = 256 * 1024
"""Bytes of all rules of a user."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, dict[str, list[dict[str, Any]]]]).decode


class EditPushRules:
    """What a user may do with the rules of the scope `global`.

    They are the account data `m.push_rules`, so /sync tells all devices of a change.
    """

    def __init__(self, data: AccountData, writer: Writer) -> None:
        """Keep them here."""
        self._data = data
        self._writer = writer
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def ruleset(self, user_nid: int) -> RulesetJson:
        """All rules: kind → rules, the first that matches counts."""
        return _ruleset(await self._data.of(user_nid))

    async def get(self, user_nid: int, kind: str, rule_id: str) -> RuleJson:
        """One rule. Raises what `find_rule` raises."""
        return find_rule(await self.ruleset(user_nid), kind, rule_id)

    async def put(self, user_nid: int, kind: str, rule: RuleJson, place: Place) -> None:
        """Add or replace a rule. Raises what `put_rule` raises, TooLargeError beyond the limits."""
        await self._edit(user_nid, lambda rules: put_rule(rules, kind, rule, place))

    async def delete(self, user_nid: int, kind: str, rule_id: str) -> None:
        """Take a rule away. Raises what `delete_rule` raises."""
        await self._edit(user_nid, lambda rules: delete_rule(rules, kind, rule_id))

    async def change(
        self, user_nid: int, kind: str, rule_id: str, field: str, value: object
    ) -> None:
        """Set `enabled` or `actions` of a rule. Raises what `change_rule` raises."""
        await self._edit(user_nid, lambda rules: change_rule(rules, kind, rule_id, field, value))

    async def _edit(self, user_nid: int, edit: Callable[[RulesetJson], RulesetJson]) -> None:
        """Write what `edit` makes of the rules, where that is anything new.

        They are read from the store first: another worker may have changed them just now.
        """
        async with self._locks.setdefault(user_nid, asyncio.Lock()):
            self._data.forget(user_nid)
            data = await self._data.of(user_nid)
            before = _ruleset(data)
            after = edit(before)
            if after == before:
                return
            body = _encode({"global": after})
            if len(body) > MAX_BYTES or own_rules(after) > max(MAX_RULES, own_rules(before)):
                raise TooLargeError("Too many push rules")
            await self._writer.submit(lambda draft: self._data.put(draft, data, PUSH_RULES, body))


def _ruleset(data: UserData) -> RulesetJson:
    return _decode(data.items[PUSH_RULES].content_json)["global"]
