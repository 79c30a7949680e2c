"""What a room must remember to count unread events without reading them again.

Ordinals do the counting: an event that notifies everyone raises the room's `notify_ord`.
Kept here is what ordinals cannot say: which of those events were redacted since, whom single
events concern, and where users stand by their own events.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from homeserver.domain.push.tally import Tally
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.threads import Threads
    from homeserver.domain.rooms.timeline import TimelineEvent

MOST: Final = 512
"""Events in threads that are read from the store: the newest."""
EVERYONE: Final = 0
"""The user number of a highlight that is everybody's (@room)."""


class Highlight(NamedTuple):
    """An event that highlights for a user, or for `EVERYONE`.

    `counted` tells whether the room's ordinals count it already; where they do not (a mention
    in an edit), the highlight is a notification of its own.
    """

    user_nid: int
    seq: int
    counted: bool


class OwnPlace(NamedTuple):
    """A user's newest event in a room: position and ordinal; zeros where there is none."""

    seq: int
    notify_ord: int


NO_EVENT: Final = OwnPlace(0, 0)


class Notices:
    """The memory of one room.

    `muted` has the positions of redacted events that the ordinals count, sorted. `own` has
    the newest event of users who sent lately or were asked for. `highlights` maps users who
    were asked for to position → `Highlight`: what the store had for them (@room included)
    and what came since; `everyone` has the @room ones since the room was loaded. `version`
    grows when any of it changes otherwise than by being asked for. `tallies` are the counts
    of users with rules of their own, `stripped` grows whenever events that these may have
    counted were redacted. `threads` is None as long as nobody counts by thread.
    """

    __slots__ = (
        *("everyone", "highlights", "muted", "own", "stripped", "tallies", "threads", "version"),
    )

    def __init__(self) -> None:
        """Begin empty."""
        self.muted: list[int] = []
        self.own: dict[int, OwnPlace] = {}
        self.highlights: dict[int, dict[int, Highlight]] = {}
        self.everyone: dict[int, Highlight] = {}
        self.version = 0
        self.tallies: dict[int, Tally] = {}
        self.stripped = 0
        self.threads: Threads | None = None

    def muted_between(self, after: int, until: int) -> int:
        """How many muted events stand at positions after < seq <= until."""
        return bisect_right(self.muted, until) - bisect_right(self.muted, after)

    def is_muted(self, seq: int) -> bool:
        """Whether the event at this position is muted."""
        at = bisect_left(self.muted, seq)
        return at < len(self.muted) and self.muted[at] == seq

    def absorb(self, draft: RoomDraft) -> None:
        """Take over what a committed draft added."""
        self.note_own(draft.events)
        for seq in draft.muted:
            self.mute(seq)
        if draft.highlights or draft.redacted:
            self.version += 1
        for highlight in draft.highlights:
            known = self._of(highlight.user_nid)
            if known is not None:
                known[highlight.seq] = highlight
        for item in draft.redacted:
            for known in (self.everyone, *self.highlights.values()):
                known.pop(item.seq, None)
        if draft.redacted:
            self._strip([item.seq for item in draft.redacted if item.back == 0])
        if self.threads is not None:
            self._follow_threads(self.threads, draft)

    def _follow_threads(self, threads: Threads, draft: RoomDraft) -> None:
        """Take over what a draft added; where a thread lost an event it is read anew."""
        threads.take(draft.children)
        if len(threads) > 4 * MOST or any(threads.knows(i.event.event_id) for i in draft.redacted):
            self.threads = None
            return
        for item in draft.events:
            if item.sender_nid in threads.own_main and item.seq not in threads.at:
                threads.own_main[item.sender_nid] = OwnPlace(item.seq, item.notify_ord)
        for highlight in draft.highlights:
            known = threads.highlights.get(highlight.user_nid)
            if known is not None:
                known[highlight.seq] = highlight
        for item in draft.redacted:
            for known in threads.highlights.values():
                known.pop(item.seq, None)

    def _strip(self, seqs: Container[int]) -> None:
        self.stripped += 1
        for user_nid, tally in self.tallies.items():
            self.tallies[user_nid] = tally.without(seqs)

    def _of(self, user_nid: int) -> dict[int, Highlight] | None:
        return self.everyone if user_nid == EVERYONE else self.highlights.get(user_nid)

    def note_own(self, events: Iterable[TimelineEvent]) -> None:
        """Note the senders of live events, in room order."""
        for item in events:
            if item.back == 0:
                self.own[item.sender_nid] = OwnPlace(item.seq, item.notify_ord)

    def mute(self, seq: int) -> None:
        """Note that a counted event was redacted."""
        if not self.is_muted(seq):
            insort(self.muted, seq)

    def catch_up(self, muted: Iterable[int]) -> None:
        """After events by other writers: forget what can be read again when it is needed."""
        self.muted = sorted(muted)
        self.own.clear()
        self.highlights.clear()
        self.everyone.clear()
        self.version += 1
        self.tallies.clear()
        self.stripped += 1
        self.threads = None
