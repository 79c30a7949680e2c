"""Which of a room's newest events others relate to, kept without asking the store.

Whatever relates to a live event of this server stands after it in the log: nobody knew its id
before. So the children of all that is in memory are in memory too, and an event that no child
there names has none. Only of events that came from elsewhere (no transaction) the store may
hold children that were here first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from homeserver.domain.relations.relation import BUNDLED, relation_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeserver.domain.relations.relation import Child
    from homeserver.domain.rooms.timeline import TimelineEvent

_PRUNE_FROM: Final = 128


class Parents:
    """The parents that the children of a room's tail name, and the position of the last child.

    It may name more than have children now: a redacted child is not taken out. `related` is
    whether the room's log ever had such a child, None before somebody asked the store.
    """

    __slots__ = ("_last", "jumps", "related")

    def __init__(self) -> None:
        """Begin empty."""
        self._last: dict[str, int] = {}
        self.related: bool | None = None
        self.jumps = 0

    def note(self, children: Iterable[Child]) -> None:
        """Take in children whose relation is known."""
        for relation, item in children:
            if relation.rel_type in BUNDLED:
                self._last[relation.parent_id] = item.seq
                self.related = True

    def read(self, items: Iterable[TimelineEvent]) -> None:
        """Take in events of the log, related or not."""
        for item in items:
            relation = relation_of(item.event)
            if relation is not None and relation.rel_type in BUNDLED:
                self._last[relation.parent_id] = item.seq
                self.related = True

    def jump(self) -> None:
        """The log moved on by events that memory has not seen."""
        self.jumps += 1
        self.related = None

    def learn(self, *, related: bool, jumps: int) -> None:
        """Take over what the store said when memory had jumped so often."""
        if self.related is None and self.jumps == jumps:
            self.related = related

    def prune(self, tail_from: int) -> None:
        """Forget parents whose last child left the tail: they left it before."""
        if len(self._last) >= _PRUNE_FROM:
            self._last = {e: seq for e, seq in self._last.items() if seq >= tail_from}

    def has(self, item: TimelineEvent, tail_from: int) -> bool:
        """Whether an event may have children that are aggregated; False is certain."""
        if item.event.state_key is not None:
            return False  # state gets no bundled aggregations
        if item.back or item.seq < tail_from or item.txn_id is None:
            return True
        return item.event.event_id in self._last
