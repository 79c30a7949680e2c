"""A worker that rooms are sent to from elsewhere, and the devices of one user who look on."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from homeserver.application.keys.board import KeyBoard
from homeserver.application.presence.board import PresenceBoard
from homeserver.application.requester import Requester
from homeserver.application.rooms.get_messages import MessagesQuery
from homeserver.application.rooms.put_out_guests import PutOutGuests
from homeserver.application.rooms.receive_events import ReceiveEvents
from homeserver.application.rooms.timeline_reader import TimelineReader
from homeserver.application.sync.candidates import Candidates
from homeserver.application.sync.context import STATE_AFTER, SyncRequest
from homeserver.application.sync.device_lists import DeviceLists
from homeserver.application.sync.feeds import Feeds
from homeserver.application.sync.global_data import GlobalData
from homeserver.application.sync.joined_room import JoinedRooms
from homeserver.application.sync.key_counts import KeyCountsPart
from homeserver.application.sync.lazy_members import LazyMembers
from homeserver.application.sync.left_room import LeftRooms
from homeserver.application.sync.presence import PresencePart
from homeserver.application.sync.room_data import RoomData
from homeserver.application.sync.room_state import StatePart
from homeserver.application.sync.seen import Progress
from homeserver.application.sync.sync import Sync
from homeserver.application.sync.thread_counts import ThreadCounts
from homeserver.application.sync.to_device import ToDevice
from homeserver.application.sync.tokens import Tokens
from homeserver.application.sync.unread import UnreadCounts
from homeserver.application.to_device.inboxes import Inboxes
from homeserver.application.typing.board import TypingBoard
from homeserver.application.user_data.account_data import AccountData
from homeserver.domain.rooms.room import Room
from homeserver.domain.sync.filter_parse import parse_filter
from homeserver.domain.sync.position import encode_position
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.branch_store import SqlBranchStore
from homeserver.infrastructure.sql.device_changes import SqlDeviceChanges
from homeserver.infrastructure.sql.guests import SqlGuestStore
from homeserver.infrastructure.sql.log import SqlLogReader
from homeserver.infrastructure.sql.memberships import SqlMembershipStore
from homeserver.infrastructure.sql.one_time_key_store import SqlOneTimeKeyStore
from homeserver.infrastructure.sql.to_device_store import SqlToDeviceStore
from homeserver.infrastructure.sql.user_data_store import SqlUserDataStore
from tests.support.world import NIDS

if TYPE_CHECKING:
    from homeserver.application.ports.guest_store import GuestStore
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.verdict import Verdict
    from tests.support.dags import RecordedRoom
    from tests.support.world import World


SERVER = "a.example"
"""Whose worker it is."""


class StoredUsers:
    """Gives internal ids to users, and stores them."""

    def __init__(self, world: World) -> None:
        """Begin with those that every world has."""
        self._writer = world.writer
        self.nids: dict[str, int] = dict(NIDS)
        self._one_by_one = asyncio.Lock()

    async def nid_of(self, user_id: str, *, create: bool) -> int | None:
        """See `Users`."""
        async with self._one_by_one:
            if user_id not in self.nids and create:
                nid = self._writer.new_nid()
                row = (nid, user_id.encode())
                await self._writer.submit(lambda draft: draft.write(w.INSERT_USER, row))
                self.nids[user_id] = nid
        return self.nids.get(user_id)

    async def exists_locally(self, user_id: str) -> bool:
        """See `Users`."""
        return user_id in self.nids


class DoorWorld:
    """One recorded room at one worker."""

    def __init__(
        self,
        world: World,
        dag: RecordedRoom,
        users: StoredUsers,
        room: Room,
        guests: GuestStore | None = None,
    ) -> None:
        """Wire as the composition root does."""
        guests = guests or SqlGuestStore(world.database)
        self.world, self.dag, self.users, self.room = world, dag, users, room
        self.receive = ReceiveEvents(
            rooms=world.store,
            timeline=world.store,
            branches=SqlBranchStore(world.database),
            users=users,
            writer=world.writer,
            new_nid=world.writer.new_nid,
            guests=PutOutGuests(guests, SERVER),
        )
        self.verdicts: dict[str, Verdict] = {}

    @classmethod
    async def open(cls, world: World, dag: RecordedRoom) -> DoorWorld:
        """Make the room's place, empty, and its observer."""
        users = StoredUsers(world)
        taken = {e.room_id for e in dag.events.values()}
        room = Room(world.writer.new_nid(), taken.pop(), dag.version)
        await users.nid_of(dag.observer, create=True)

        def change(draft: Draft) -> None:
            world.store.add_room(draft, room, users.nids[dag.observer])

        await world.writer.submit(change)
        world.rooms.add(room)
        return cls(world, dag, users, room)

    @property
    def observer(self) -> Requester:
        """The user who looks on."""
        nid = self.users.nids[self.dag.observer]
        return Requester(self.dag.observer, nid, "D", nid + 1)

    async def step(self, step: dict[str, Any]) -> None:
        """Let one step of an order arrive."""
        events = [self.dag.events[name] for name in step["deliver"]]
        cited = [self.dag.events[name] for name in step.get("with", [])]
        states = {
            self.dag.events[name].event_id: self.dag.ids(held)
            for name, held in step.get("states", {}).items()
        }
        verdicts = await self.receive(
            self.room,
            events,
            auth_events={event.event_id: event for event in cited},
            states=states,
            history_only=step.get("history", False),
        )
        self.verdicts.update(zip(step["deliver"], verdicts, strict=True))

    async def sync(self) -> Sync:
        """/sync of this worker as it is after a start."""
        world, clock = self.world, SystemClock()
        log = SqlLogReader(world.database)
        memberships = SqlMembershipStore(world.database)
        data = AccountData(SqlUserDataStore(world.database))
        typing = TypingBoard(world.hub, clock)
        timeline = TimelineReader(world.store)
        unread = UnreadCounts(world.store, data)
        threads = ThreadCounts(world.store, unread)
        extra = RoomData(typing=typing, account_data=data, unread=unread, threads=threads)
        lazy, generation = LazyMembers(), await log.generation()
        state = StatePart(world.store, lazy)
        inboxes = Inboxes(SqlToDeviceStore(world.database), world.writer)
        changes = SqlDeviceChanges(world.database)
        return Sync(
            device_lists=DeviceLists(
                world.hub, world.rooms, KeyBoard(world.hub, changes), changes, world.store, timeline
            ),
            key_counts=KeyCountsPart(SqlOneTimeKeyStore(world.database)),
            hub=world.hub,
            feeds=Feeds(world.hub, memberships, log, clock),
            rooms=world.rooms,
            candidates=Candidates(log=log, typing=typing, account_data=data),
            joined=JoinedRooms(
                access=world.access,
                store=world.store,
                timeline=timeline,
                state=state,
                data=extra,
                beside=world.beside,
            ),
            left=LeftRooms(
                access=world.access,
                store=world.store,
                timeline=timeline,
                state=state,
                beside=world.beside,
                data=extra,
            ),
            data=GlobalData(data),
            inboxes=inboxes,
            to_device=ToDevice(inboxes),
            account_data=data,
            lazy=lazy,
            typing=typing,
            presence=PresencePart(
                PresenceBoard(world.hub, clock, lambda: False), world.rooms, clock
            ),
            progress=Progress(
                hub=world.hub,
                tokens=Tokens(generation, 1),
                typing=typing,
                log=log,
                clock=clock,
                generation=generation,
            ),
            clock=clock,
        )

    async def restart(self) -> Room:
        """Forget what is in memory; the room anew from the store."""
        self.room = await self.world.reload(self.room)
        return self.room

    async def messages(self, start: str | None) -> list[str]:
        """The ids of all events older than a token, newest first, in pages of two."""
        found: list[str] = []
        timeline = parse_filter({}).room.timeline
        while True:
            query = MessagesQuery(backwards=True, start=start, to=None, limit=2, filter=timeline)
            page = await self.world.messages(self.observer, self.room.room_id, query)
            found += [item.event.event_id for item in page.events]
            if page.end is None:
                return found
            start = encode_position(page.end)


@dataclass
class Device:
    """What one device knows, by syncs with `state_after`."""

    door: DoorWorld
    sync: Sync
    limit: int = 100
    since: str | None = None
    state: dict[str, str] = field(default_factory=dict)
    stretches: list[tuple[str, list[str]]] = field(default_factory=list)
    limited: list[bool] = field(default_factory=list)
    bodies: dict[str, Any] = field(default_factory=dict)

    async def look(self) -> bool:
        """Sync once, without waiting; whether the room was in the answer."""
        wanted = parse_filter({"room": {"timeline": {"limit": self.limit}}})
        request = SyncRequest(since=self.since, filter=wanted, state_name=STATE_AFTER)
        answer = json.loads(await self.sync(self.door.observer, request))
        self.since = answer["next_batch"]
        part = answer.get("rooms", {}).get("join", {}).get(self.door.room.room_id)
        if part is None:
            return False
        timeline = part["timeline"]
        events = [event["event_id"] for event in timeline["events"]]
        self.limited.append(timeline["limited"])
        if timeline["limited"] or not self.stretches:
            self.stretches.append((timeline["prev_batch"], []))
        self.stretches[-1][1].extend(events)
        for event in (*timeline["events"], *part["state_after"]["events"]):
            self.bodies[event["event_id"]] = event
        for event in part["state_after"]["events"]:
            self.state[f"{event['type']}|{event['state_key']}"] = event["event_id"]
        return True

    async def whole(self) -> list[str]:
        """All that the device can have: its newest stretch, and what /messages has before it."""
        prev_batch, events = self.stretches[-1]
        return [*(await self.door.messages(prev_batch))[::-1], *events]

    @property
    def seen(self) -> list[str]:
        """All events that came by /sync, in the order of coming."""
        return [event_id for _, events in self.stretches for event_id in events]
