"""What a device knows from its syncs: rooms, members, and how far it has read."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from firn_client.gap import Gap
from firn_client.live import live
from firn_client.sync_body import InvitedRoom, JoinedRoom, LeftRoom, SyncBody, Timeline, Unread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from firn_client.event import Event

REMEMBERED = 256


@dataclass(slots=True)
class KnownRoom:
    """A room where the user is, as the last sync left it."""

    room_id: str
    state: dict[tuple[str, str], Event] = field(default_factory=dict)
    typing: list[str] = field(default_factory=list)
    receipts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    account_data: dict[str, dict[str, Any]] = field(default_factory=dict)
    unread: Unread = field(default_factory=Unread)
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name that the room was given; empty where it has none."""
        event = self.state.get(("m.room.name", ""))
        return str(event.content.get("name", "")) if event else ""

    def members(self, membership: str = "join") -> list[str]:
        """The ids of the users with this membership."""
        return [
            key
            for (kind, key), event in self.state.items()
            if kind == "m.room.member" and event.membership == membership
        ]

    def apply(self, news: JoinedRoom) -> None:
        """Take in what is new."""
        for event in (*news.state.events, *news.timeline.events):
            if event.state_key is not None:
                self.state[event.type, event.state_key] = event.placed(self.room_id)
        for event in news.ephemeral.events:
            self._ephemeral(event)
        for event in news.account_data.events:
            self.account_data[event.type] = event.content
        self.unread = news.unread_notifications or self.unread
        self.summary |= news.summary

    def _ephemeral(self, event: Event) -> None:
        if event.type == "m.typing":
            self.typing = event.content["user_ids"]
        elif event.type == "m.receipt":
            for event_id, kinds in event.content.items():
                for kind, users in kinds.items():
                    for user, data in users.items():
                        self.receipts[user, kind, data.get("thread_id", "")] = event_id


@dataclass(slots=True)
class RoomNews:
    """What happened in a room: its newest events and, before them, perhaps a hole.

    `inside`: the user is known to have been there before.
    """

    room_id: str
    timeline: list[Event]
    gap: Gap | None
    inside: bool

    @property
    def events(self) -> list[Event]:
        """Hole (once filled) and timeline, oldest first."""
        return [*(self.gap.events if self.gap else ()), *self.timeline]


@dataclass(slots=True)
class Batch:
    """One sync: taken into the store, and still to be read by whom it is for.

    `rooms` have timelines only where events are new to this device. `invites` are the rooms
    with a new invitation. `initial`: there was no token; timelines show the past. `to_device`
    are messages to this device; each has an id, the same one if the batch comes again.
    """

    body: SyncBody
    initial: bool
    rooms: list[RoomNews]
    invites: list[str]
    to_device: list[Event]

    def events(self, user_id: str, known: Iterable[str]) -> list[Event]:
        """The events that came while the user was there, each once; gaps must be filled.

        Nothing where the sync was the first.
        """
        if self.initial:
            return []
        seen = set(known)
        found = {e.event_id: e for r in self.rooms for e in live(r.events, user_id, r.inside)}
        return [event for event_id, event in found.items() if event_id not in seen]


class SyncStore:
    """Everything one device knows; does no input and no output.

    Each sync is applied, its gaps filled, its events read, then committed: only then does
    `since` move. A sync that was not committed is asked for again and changes nothing twice.
    `recent` are the ids of the last events that were committed. `wants_full_state`: the next
    sync must bring all state, because it goes on where another process ended.
    """

    def __init__(self, user_id: str, since: str | None = None) -> None:
        self.user_id = user_id
        self.since = since
        self.rooms: dict[str, KnownRoom] = {}
        self.invites: dict[str, list[Event]] = {}
        self.account_data: dict[str, dict[str, Any]] = {}
        self.recent: deque[str] = deque(maxlen=REMEMBERED)
        self._inside: set[str] = set()
        self.wants_full_state = since is not None

    def apply(self, body: SyncBody) -> Batch:
        """Take in one sync that was asked for with `since`."""
        for event in body.account_data.events:
            self.account_data[event.type] = event.content
        rooms = [self._joined(room_id, news) for room_id, news in body.rooms.join.items()]
        rooms += [self._left(room_id, news) for room_id, news in body.rooms.leave.items()]
        invites = [self._invited(room_id, news) for room_id, news in body.rooms.invite.items()]
        return Batch(body, self.since is None, rooms, invites, self._messages(body))

    def commit(self, batch: Batch) -> None:
        """The events of the batch were read: go on after them."""
        self.since = batch.body.next_batch
        self.wants_full_state = False
        self._inside -= batch.body.rooms.leave.keys()
        self._inside |= batch.body.rooms.join.keys()
        for news in batch.rooms:
            self.recent.extend(e.event_id for e in news.events[-REMEMBERED:])

    def _messages(self, body: SyncBody) -> list[Event]:
        """Messages have no ids on the wire. What follows a token is always the same, though."""
        place = hashlib.sha256((self.since or "").encode()).hexdigest()[:32]
        return [
            msgspec.structs.replace(event, event_id=f"~{place}.{number}")
            for number, event in enumerate(body.to_device.events)
        ]

    def _joined(self, room_id: str, news: JoinedRoom) -> RoomNews:
        self.invites.pop(room_id, None)
        room = self.rooms.setdefault(room_id, KnownRoom(room_id))
        room.apply(news)
        return self._news(room_id, news.timeline)

    def _left(self, room_id: str, news: LeftRoom) -> RoomNews:
        self.invites.pop(room_id, None)
        self.rooms.pop(room_id, None)
        return self._news(room_id, news.timeline)

    def _invited(self, room_id: str, news: InvitedRoom) -> str:
        self.invites[room_id] = [e.placed(room_id) for e in news.invite_state.events]
        return room_id

    def _news(self, room_id: str, timeline: Timeline) -> RoomNews:
        gap = None
        if timeline.limited and self.since is not None and timeline.prev_batch is not None:
            gap = Gap(room_id, self.since, timeline.prev_batch, frozenset(self.recent))
        events = [event.placed(room_id) for event in timeline.events]
        return RoomNews(room_id, events, gap, room_id in self._inside)
