"""What events do for readers who have pushers: their rules, understood once."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from homeserver.application.rooms.invitees import wish_of
from homeserver.application.sync.ignored import IGNORED_USERS, ignored_by
from homeserver.application.user_data.account_data import PUSH_RULES
from homeserver.application.user_data.items import GLOBAL
from homeserver.domain.push.lines import outcome_of
from homeserver.domain.push.room_rules import UserRules
from homeserver.domain.push.ruleset import Ruleset, compile_ruleset, evaluate
from homeserver.domain.rooms.invite_permission import Wish

if TYPE_CHECKING:
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.application.user_data.items import DataItem, UserData
    from homeserver.domain.push.actions import Actions
    from homeserver.domain.push.context import PushContext
    from homeserver.domain.shared.json import JsonObject

KEEP: Final = 5_000
"""Users whose rules are kept."""
_decode = msgspec.json.Decoder(dict[str, dict[str, object]]).decode


class Judge(NamedTuple):
    """One reader's rules and whom they ignore; it holds as long as the two items do."""

    rules: Ruleset
    reduced: UserRules
    ignored: frozenset[str]
    items: tuple[DataItem, DataItem | None]

    def actions(self, room_id: str, event: JsonObject, context: PushContext) -> Actions | None:
        """What an event (see `push_properties`) does for the reader; None: no notification."""
        sender = event["sender"]
        if sender == context.user_id or sender in self.ignored:
            return None
        if not outcome_of(self.reduced.of_room(room_id).lines, event, context)[0]:
            return None
        return evaluate(self.rules, event, context)


class Judges:
    """The judges of lately notified readers."""

    def __init__(self, data: AccountData) -> None:
        """Read rules here."""
        self._data = data
        self._known: OrderedDict[int, Judge] = OrderedDict()

    async def of(self, user_nid: int) -> Judge:
        """A reader's judge, by the rules of now."""
        data = await self._data.of(user_nid)
        rules, ignored = data.items[PUSH_RULES], data.items.get((GLOBAL, IGNORED_USERS))
        known = self._known.get(user_nid)
        if known is None or known.items[0] is not rules or known.items[1] is not ignored:
            known = self._known[user_nid] = _judge(data, rules, ignored)
            if len(self._known) > KEEP:
                self._known.popitem(last=False)
        self._known.move_to_end(user_nid)
        return known

    async def wants_invitation(self, user_nid: int, inviter: str) -> bool:
        """Whether a reader is told of an inviter's invitations, as /sync decides it."""
        return wish_of(await self._data.of(user_nid), inviter) is Wish.ALLOW


def _judge(data: UserData, rules: DataItem, ignored: DataItem | None) -> Judge:
    ruleset = _decode(rules.content_json).get("global", {})
    items = (rules, ignored)
    user = UserRules(data.user_id, ruleset)
    return Judge(compile_ruleset(ruleset), user, ignored_by(data), items)
