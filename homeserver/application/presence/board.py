"""Who is online: in memory, told within a budget.

Not in the log, as typing is not (design §2). What it costs is bounded by what is done in a second,
not by how many flap how often:

- a change is looked at with the next flush, at most one in `PAUSE` seconds; who came back to
  what others know meanwhile has not changed;
- a flush settles at most `SETTLED` users and lets at most `TOLD` others hear of it: these stand in
  a queue, and hear all that changed since they last did, at most `MOST` users;
- in a room where more than `CROWD` users listen a change queues nobody: every `SAMPLE_SECONDS`
  all are queued who are not yet.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from homeserver.application.presence.person import (
    HEARSAY_SECONDS,
    LINGER_SECONDS,
    REPEAT_SECONDS,
    Hearsay,
    Person,
)
from homeserver.domain.presence.presence import OFFLINE, Word, shown
from homeserver.domain.rooms.membership import JOIN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from homeserver.application.ports.clock import Clock
    from homeserver.application.presence.person import Attendance
    from homeserver.application.requester import Requester
    from homeserver.application.sync.feed import Feed
    from homeserver.application.sync.hub import Hub
    from homeserver.domain.rooms.draft import RoomDraft

FIRST: Final = 0.05
PAUSE: Final = 1.0
SETTLED: Final = 500
TOLD: Final = 20
MOST: Final = 100
CROWD: Final = 200
SAMPLE_SECONDS: Final = 30.0
SWEEP_SECONDS: Final = 1.0
ROUNDS: Final = 10
"""Sweeps in which everybody who is present is looked at, some in each."""
MAX_PEOPLE: Final = 50_000
MAX_ROOMS: Final = 500
"""Rooms of one user in which others see that user's presence."""


class PresenceBoard:
    """The presence of users, and who of those that sync here is due to hear of it.

    `tick` grows with each change and is about the time in milliseconds, so that another worker
    can make something of it. `tell` hears of users here whose presence changed, or is repeated.
    """

    def __init__(self, hub: Hub, clock: Clock, enabled: Callable[[], bool]) -> None:
        """Hear from the hub who acts and who joins; `enabled` may change at any time."""
        self._hub = hub
        self._clock = clock
        self.enabled = enabled
        self.tick = clock.now_ms()
        self.tell: Callable[[Collection[Person]], None] | None = None
        self._people: dict[int, Person] = {}
        self._here: set[int] = set()
        self._elsewhere: set[int] = set()
        self._rooms: dict[int, dict[int, int]] = {}
        self._moved: dict[int, int] = {}
        self._dirty: OrderedDict[int, Person] = OrderedDict()
        self._queue: OrderedDict[int, Feed] = OrderedDict()
        self._crowded: set[int] = set()
        self._sampled_at = -SAMPLE_SECONDS
        self._flushed_at = -PAUSE
        self._round = 0
        self._flushing: asyncio.TimerHandle | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        hub.listeners.append(self._absorb)
        hub.place_listeners.append(self._moved_place)

    # --- what users do here

    def attend(self, requester: Requester, state: str) -> Attendance | None:
        """A device begins to poll, in a state; pass what comes to `leave` when it has ended.

        Offline means that the poll says nothing of the user.
        """
        if state == OFFLINE or not requester.device_nid or not self.enabled():
            return None
        nid = requester.user_nid
        person = self._people.get(nid) or self._person(nid, requester.user_id)
        if person is None:
            return None
        now_ms = self._clock.now_ms()
        device = person.devices.get(requester.device_nid)
        if device is not None and device.state == state:
            device.at_ms = now_ms
        else:
            device = person.attend(requester.device_nid, state, now_ms)
            self._note_own(person)
        device.polls += 1
        return device

    def leave(self, device: Attendance | None) -> None:
        """A poll has ended: its device counts as connected for a while."""
        if device is not None:
            device.polls -= 1
            device.until = self._clock.monotonic() + LINGER_SECONDS

    def put(
        self, requester: Requester, state: str, status_msg: str | None, rooms: Collection[int]
    ) -> None:
        """A device says how its user is, whose rooms are given: `PUT /presence`."""
        person = self._person(requester.user_nid, requester.user_id)
        if person is None:
            return
        now_ms = self._clock.now_ms()
        device = person.attend(requester.device_nid, state, now_ms)
        device.until = max(device.until, self._clock.monotonic() + LINGER_SECONDS)
        person.active_ms = now_ms
        person.status_msg, person.status_ms = status_msg, now_ms
        person.rooms = person.rooms or tuple(rooms)[:MAX_ROOMS]
        self._note_own(person)

    # --- what other workers say

    def hear(
        self, worker: str, number: int, who: tuple[int, str], word: Word, rooms: list[int]
    ) -> None:
        """Another worker's word about a user; older ones than known change nothing."""
        person = self._person(*who) if self.enabled() else None
        if person is None:
            return
        held = person.heard.get(worker)
        if held is not None and held.number >= number:
            return
        until = self._clock.monotonic() + HEARSAY_SECONDS
        person.heard[worker] = Hearsay(word, number, until)
        self._elsewhere.add(person.nid)
        self._arm_sweep()
        if person.nid not in self._here:
            added = self._enter(person, rooms)
            if added and person.tick:
                self._show_in(person, added)
        if held is None or held.word != word:
            self._note(person)

    def own_people(self) -> list[Person]:
        """All users who are present here."""
        return [self._people[nid] for nid in self._here if nid in self._people]

    # --- for who reads

    def find(self, user_nid: int) -> Person | None:
        """What is known of a user, as of now."""
        person = self._people.get(user_nid)
        if person is not None:
            self._refresh(person)
        return person

    def is_due(self, feed: Feed, since: int | None) -> bool:
        """Whether a reader, who has all up to a tick, is to hear of presence now."""
        if since is not None and 0 <= feed.presence_due <= since:
            return False
        if not self.enabled():
            return False
        if feed.presence_due < 0:  # its queue's past is not known here
            feed.presence_due = self.tick
        return since is None or since < feed.presence_due

    def changed_in(self, room_nid: int, since: int) -> Iterator[Person]:
        """Those of a room who changed after a tick, latest first."""
        changes = self._rooms.get(room_nid)
        for nid in reversed(changes) if changes else ():
            person = self._people.get(nid)
            if changes is None or changes[nid] <= since:
                return
            if person is not None:
                yield person

    def rooms_changed(self, since: int, wanted: Collection[int]) -> list[int]:
        """Which of some rooms have changes after a tick."""
        if len(wanted) <= len(self._moved):
            return [nid for nid in wanted if self._moved.get(nid, 0) > since]
        found = []
        for nid in reversed(self._moved):
            if self._moved[nid] <= since:
                break
            if nid in wanted:
                found.append(nid)
        return found

    def close(self) -> None:
        """Stop all timers."""
        for timer in (self._flushing, self._sweeping):
            if timer is not None:
                timer.cancel()
        self._flushing = self._sweeping = None
        self._dirty.clear()

    # --- inside

    def _person(self, nid: int, user_id: str) -> Person | None:
        person = self._people.get(nid)
        if person is None:
            if len(self._people) >= MAX_PEOPLE and not self._forget_one():
                return None
            person = self._people[nid] = Person(nid, user_id)
        return person

    def _forget_one(self) -> bool:
        """Drop the user known longest, if that one is offline; room for another then."""
        nid, person = next(iter(self._people.items()))
        self._people[nid] = self._people.pop(nid)
        if person.devices or person.heard or nid in self._dirty:
            return False
        del self._people[nid]
        self._here.discard(nid)
        self._elsewhere.discard(nid)
        self._leave(person, person.rooms)
        return True

    def _note_own(self, person: Person) -> None:
        self._here.add(person.nid)
        self._note(person)
        self._arm_sweep()

    def _note(self, person: Person) -> None:
        """Look at a user with the next flush."""
        self._dirty[person.nid] = person
        self._arm()

    def _arm(self) -> None:
        if self._flushing is None:
            wait = max(self._flushed_at + PAUSE - self._clock.monotonic(), FIRST)
            self._flushing = asyncio.get_running_loop().call_later(wait, self._flush)

    def _arm_sweep(self) -> None:
        if self._sweeping is None:
            loop = asyncio.get_running_loop()
            self._sweeping = loop.call_later(SWEEP_SECONDS, self._sweep)

    def _flush(self) -> None:
        self._flushing = None
        self._flushed_at = self._clock.monotonic()
        if not self.enabled():
            self._clear()
            return
        news = []
        for _ in range(min(SETTLED, len(self._dirty))):
            _, person = self._dirty.popitem(last=False)
            if self._settle(person):
                news.append(person)
        self._tell(news)
        self._sample()
        self._let_hear()
        if self._dirty or self._queue:
            self._arm()

    def _clear(self) -> None:
        """It was switched off: forget everybody."""
        self._people.clear()
        self._here.clear()
        self._elsewhere.clear()
        self._rooms.clear()
        self._moved.clear()
        self._dirty.clear()
        self._queue.clear()
        self._crowded.clear()

    def _refresh(self, person: Person) -> Word:
        """Put the words of now together; the own one."""
        now = self._clock.monotonic()
        own = person.own(now)
        person.word = person.all(own, now)
        return own

    def _settle(self, person: Person) -> bool:
        """Show what became of a user; whether other workers have to know."""
        own = self._refresh(person)
        was_active = person.shown.currently_active
        added = self._enter(person, self._rooms_of(person)) if person.nid in self._here else ()
        now_shown = shown(person.word, self._clock.now_ms())
        if now_shown != person.shown:
            person.shown = now_shown
            self._show_in(person, person.rooms)
        elif added and person.shown.state != OFFLINE:
            self._show_in(person, added)
        if person.nid not in self._here:
            return False
        is_news = bool(added) or was_active != person.shown.currently_active or person.is_news(own)
        person.told = own
        return is_news

    def _rooms_of(self, person: Person) -> Collection[int]:
        """Where a user who is here is joined, as the user's feed knows."""
        feed = self._hub.feeds.get(person.nid)
        if feed is None or not feed.ready:
            return person.rooms
        return [nid for nid, place in feed.places.items() if place.membership == JOIN][:MAX_ROOMS]

    def _enter(self, person: Person, rooms: Collection[int]) -> Collection[int]:
        """Note where a user is; the rooms that are new."""
        before, after = set(person.rooms), set(rooms)
        self._leave(person, before - after)
        person.rooms = tuple(rooms)
        return after - before

    def _leave(self, person: Person, rooms: Collection[int]) -> None:
        for nid in rooms:
            changes = self._rooms.get(nid)
            if changes is not None:
                changes.pop(person.nid, None)
                if not changes:
                    del self._rooms[nid]
                    self._moved.pop(nid, None)

    def _show_in(self, person: Person, rooms: Collection[int]) -> None:
        """Make a user news in rooms, and queue who listens there."""
        self.tick = person.tick = max(self.tick + 1, self._clock.now_ms())
        for nid in rooms:
            for changes, key in ((self._rooms.setdefault(nid, {}), person.nid), (self._moved, nid)):
                changes.pop(key, None)  # the latest comes last
                changes[key] = self.tick
            watchers = self._hub.watchers(nid)
            if len(watchers) > CROWD:
                self._crowded.add(nid)
            else:
                self._queue.update((f.user_nid, f) for f in watchers if f.user_nid != person.nid)

    def _sample(self) -> None:
        """Queue those in crowds who are not yet."""
        if not self._crowded or self._flushed_at < self._sampled_at + SAMPLE_SECONDS:
            return
        self._sampled_at = self._flushed_at
        for nid in self._crowded:
            for feed in self._hub.watchers(nid):
                self._queue.setdefault(feed.user_nid, feed)
        self._crowded.clear()

    def _let_hear(self) -> None:
        """Wake who stands first in the queue; who does not wait hears with the next poll."""
        woken = 0
        while self._queue and woken < TOLD:
            _, feed = self._queue.popitem(last=False)
            feed.presence_due = self.tick
            if feed.waiting:
                woken += 1
                feed.wake()

    def _sweep(self) -> None:
        """Notice who of some went idle or away, and repeat to others who is here."""
        self._sweeping = None
        if not self.enabled():
            self._clear()
            return
        self._round = (self._round + 1) % ROUNDS
        now, now_ms = self._clock.monotonic(), self._clock.now_ms()
        repeated = []
        for nid in [n for n in self._here | self._elsewhere if n % ROUNDS == self._round]:
            person = self._people[nid]
            own = self._refresh(person)
            if shown(person.word, now_ms) != person.shown or person.is_news(own):
                self._note(person)
            elif own.devices and now - person.told_at >= REPEAT_SECONDS:
                person.told = own
                repeated.append(person)
            if not own.devices and not person.is_news(own):
                self._here.discard(nid)
            if not person.heard:
                self._elsewhere.discard(nid)
        self._tell(repeated)
        if self._here or self._elsewhere:
            self._arm_sweep()

    def _tell(self, people: Collection[Person]) -> None:
        now = self._clock.monotonic()
        for person in people:
            person.told_at = now
        if people and self.tell is not None:
            self.tell(people)

    def _absorb(self, draft: RoomDraft) -> None:
        """Who sends is active."""
        for item in draft.events:
            person = self._people.get(item.sender_nid)
            if person is not None and person.nid in self._here:
                person.active_ms = self._clock.now_ms()
                if not person.shown.currently_active:
                    self._note(person)

    def _moved_place(self, user_nid: int) -> None:
        """A user who syncs here came into a room, or is no longer in it."""
        person = self._people.get(user_nid)
        if person is not None and user_nid in self._here:
            self._note(person)
