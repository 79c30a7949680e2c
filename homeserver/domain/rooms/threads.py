"""Which of a room's newest events stand in threads (Client-Server API, "Threading").

Kept for rooms in which somebody counts by thread; made anew from the store when it was lost.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.domain.events.hashes import is_event_id
from homeserver.domain.relations.relation import THREAD, Child, relation_of
from homeserver.domain.rooms.notices import NO_EVENT, OwnPlace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from homeserver.domain.receipts.placed import PlacedReceipt
    from homeserver.domain.rooms.notices import Highlight
    from homeserver.domain.rooms.timeline import TimelineEvent

HOPS: Final = 3
"""How far relations are followed to a thread."""


class ThreadEvent(NamedTuple):
    """An event that relates to another: directly to a thread's root, or not.

    `counted` tells whether the room's ordinals count it; `notify_ord` is theirs at it.
    """

    event_id: str
    parent_id: str
    is_thread: bool
    seq: int
    sender_nid: int
    notify_ord: int
    counted: bool


@dataclass(slots=True)
class Memo:
    """A user's counts (notified, highlighted) by root, where they are not zero.

    They hold for what was read everywhere up to `whole`, for the first `moves` of the threads,
    and for the receipts of the room up to `newest`.
    """

    whole: int
    moves: int
    newest: PlacedReceipt | None
    counts: dict[str, tuple[int, int]]


class Threads:
    """The threads of a room, by the ids of their roots.

    Events at `floor` and before are not known: they count as read. `at` maps positions to
    roots, `last` roots to the position of their newest event, `moves` has the roots as they got
    events. `own_main` has the newest event in the main timeline of users who were asked for,
    `highlights` what concerns them, `memos` what was counted for them.
    """

    __slots__ = (
        "_known",
        "_own",
        "_seqs",
        "at",
        "counted",
        "floor",
        "highlights",
        "last",
        "memos",
        "moves",
        "own_main",
    )

    def __init__(self, events: Sequence[ThreadEvent] = (), *, cut: bool = False) -> None:
        """Take events in room order; `cut` where there were older ones, the first then is lost."""
        first = events[0] if cut and events else None
        self.floor = OwnPlace(first.seq, first.notify_ord) if first is not None else NO_EVENT
        self.at: dict[int, str] = {}
        self.last: dict[str, int] = {}
        self.counted: list[int] = []
        self.moves: list[str] = []
        self.own_main: dict[int, OwnPlace] = {}
        self.highlights: dict[int, dict[int, Highlight]] = {}
        self.memos: dict[int, Memo] = {}
        self._known: dict[str, tuple[str, int]] = {}
        self._seqs: dict[str, list[int]] = {}
        self._own: dict[tuple[int, str], int] = {}
        for event in events:
            self.note(event)

    def __len__(self) -> int:
        """How many events in threads are known."""
        return len(self.at)

    def knows(self, event_id: str) -> bool:
        """Whether an event stands in a thread."""
        return event_id in self._known

    def note(self, event: ThreadEvent) -> None:
        """Take in an event that relates to another, later than all before."""
        if event.is_thread and is_event_id(event.parent_id):  # the store keeps no others
            root, hops = event.parent_id, 1
        else:
            root, hops = self._known.get(event.parent_id, ("", HOPS))
            hops += 1
        if hops > HOPS:
            return
        self._known[event.event_id] = (root, hops)
        if event.seq <= self.floor.seq:
            return
        self.at[event.seq] = root
        self.moves.append(root)
        self.last.pop(root, None)
        self.last[root] = event.seq
        self._own[event.sender_nid, root] = event.seq
        if event.counted:
            self.counted.append(event.seq)
            self._seqs.setdefault(root, []).append(event.seq)

    def take(self, children: Iterable[Child]) -> None:
        """Take in live events as they are sent."""
        for relation, item in children:
            if not item.back:
                is_thread = relation.rel_type == THREAD
                place = (item.seq, item.sender_nid, item.notify_ord, item.notifies)
                self.note(ThreadEvent(item.event.event_id, relation.parent_id, is_thread, *place))

    def read(self, items: Iterable[TimelineEvent]) -> None:
        """Take in live events of the log, related or not."""
        related = ((relation_of(item.event), item) for item in items)
        self.take([Child(relation, item) for relation, item in related if relation is not None])

    def own_in(self, user_nid: int, root: str) -> int:
        """Where a user's newest event in a thread stands."""
        return self._own.get((user_nid, root), 0)

    def counted_after(self, seq: int) -> int:
        """How many events in threads after a position the ordinals count."""
        return len(self.counted) - bisect_right(self.counted, seq)

    def counted_in(self, root: str, after: int) -> int:
        """The same of one thread."""
        seqs = self._seqs.get(root, ())
        return len(seqs) - bisect_right(seqs, after)
