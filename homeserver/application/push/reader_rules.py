"""What users want to be notified of: their push rules and whom they ignore, understood once."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from homeserver.application.sync.ignored import IGNORED_USERS, NOBODY, ignored_by
from homeserver.application.user_data.account_data import PUSH_RULES
from homeserver.application.user_data.items import GLOBAL
from homeserver.domain.push.room_rules import UserRules

if TYPE_CHECKING:
    from homeserver.application.user_data.items import DataItem, UserData

KEEP: Final = 10_000
"""Users with rules of their own whose rules are kept."""
_decode = msgspec.json.Decoder(dict[str, dict[str, object]]).decode


class Wishes(NamedTuple):
    """What one user wants; it holds as long as the two items of account data do."""

    rules: UserRules
    ignored: frozenset[str]
    items: tuple[DataItem, DataItem | None]


class ReaderRules:
    """The wishes of users who have any."""

    def __init__(self, keep: int = KEEP) -> None:
        """Keep so many."""
        self._keep = keep
        self._known: OrderedDict[int, Wishes] = OrderedDict()

    def of(self, data: UserData) -> Wishes | None:
        """A user's wishes; None for who has the default rules untouched and ignores nobody."""
        rules, ignored = data.items[PUSH_RULES], data.items.get((GLOBAL, IGNORED_USERS))
        if rules.rev == 0 and ignored is None:
            return None
        known = self._known.get(data.user_nid)
        if known is None or known.items[0] is not rules or known.items[1] is not ignored:
            known = self._known[data.user_nid] = _read(data, rules, ignored)
            if len(self._known) > self._keep:
                self._known.popitem(last=False)
        self._known.move_to_end(data.user_nid)
        return known


def _read(data: UserData, rules: DataItem, ignored: DataItem | None) -> Wishes:
    ruleset = _decode(rules.content_json).get("global", {})
    users = NOBODY if ignored is None else ignored_by(data)
    return Wishes(UserRules(data.user_id, ruleset), users, (rules, ignored))
