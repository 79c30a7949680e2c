"""When all is over: asks the server for the truth, and checks the history against it."""

from __future__ import annotations

import asyncio
import random
import traceback
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from homeserver.domain.events.hashes import event_id_from_bytes
from homeserver.infrastructure.sql.mysql_database import MySqlDatabase
from tests.prove.checks.every import violations
from tests.prove.ground import RefusedError
from tests.prove.story import NOWHERE
from tests.prove.truth import Placed, Truth, View
from tests.prove.violation import Violation
from tests.support.log_check import EVENTS, check_logs
from tests.support.sync_copy import Copy, compare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from tests.prove.devices import Device
    from tests.prove.ground import Ground
    from tests.prove.parts import Parts
    from tests.prove.town import Town

Json = dict[str, Any]
PAGE = "100"
FORBIDDEN = 403


@dataclass
class Referee:
    """Judges a run; nobody may write any more, and nothing may be broken."""

    ground: Ground
    parts: Parts
    town: Town
    seed: int
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(f"referee {self.seed}")

    async def __call__(self) -> list[Violation]:
        """All violations, those noted on the way first."""
        async with self._store() as database:
            places = {
                event_id_from_bytes(key): (slot, pos)
                for _, _, key, slot, pos, *_ in await database.fetch(EVENTS)
            }
            truth = await self._truth(places)
            found = [*self.ground.violations, *violations(self.ground.history, truth)]
            found += await self._copies(truth)
            try:
                await check_logs(database)
            except AssertionError as error:
                found.append(Violation("I5", f"the logs in the store: {error}"))
        return found

    async def _truth(self, places: Mapping[str, tuple[int, int]]) -> Truth:
        town = self.town
        asked = town.tokens[town.members[0]]
        rooms = {}
        for room in town.rooms:
            events = await self._messages(room, asked, "b")
            rooms[room] = [_placed(event, places) for event in events]
        users = {device.name: device.user for device in town.devices}
        truth = Truth(rooms, users, frozenset(town.members))
        for room in town.rooms:
            for user, token in town.tokens.items():
                await self._look(truth, room, user, token)
        return truth

    async def _look(self, truth: Truth, room: str, user: str, token: str) -> None:
        """See a room as a user does, by any worker, in one direction or the other."""
        direction = self.dice.choice("bf")
        try:
            events = await self._messages(room, token, direction)
        except RefusedError as error:
            if error.status != FORBIDDEN or user in truth.settled:
                raise
            events = []
        ids = tuple(event["event_id"] for event in events)
        truth.views.append(View(room, user, f"/messages?dir={direction}", ids))

    async def _messages(self, room: str, token: str, direction: str) -> list[Json]:
        """All that /messages shows, oldest first. Raises RefusedError."""
        found: list[Json] = []
        query = {"dir": direction, "limit": PAGE}
        path = f"/rooms/{quote(room)}/messages"
        while True:
            page = await self.ground.insist(self.dice, token, "GET", path, None, query)
            found += page["chunk"]
            if not page.get("end"):
                return found if direction == "f" else found[::-1]
            query = query | {"from": page["end"]}

    async def _copies(self, truth: Truth) -> list[Violation]:
        """I4: what a device made of its answers is what one who starts now is told."""
        found = []
        for device in self.town.devices:
            body = await device.fresh()
            fresh = Copy().apply(body)
            try:
                compare(device.copy, fresh, fresh, lazy=False)
            except AssertionError as error:
                law = traceback.extract_tb(error.__traceback__)[-1].line
                said = f"{device.name} holds what a fresh sync does not say: {law} {error}"
                found.append(Violation("I4", said))
            found += _tails(device, body, truth)
        return found

    @asynccontextmanager
    async def _store(self) -> AsyncIterator[MySqlDatabase]:
        address = self.parts.store_address()
        database = await MySqlDatabase.connect(
            host=str(address["host"]),
            port=int(str(address["port"])),
            user=str(address["user"]),
            password=str(address["password"]),
            db=str(address["database"]),
        )
        try:
            yield database
        finally:
            await database.close()


def _tails(device: Device, body: Json, truth: Truth) -> Iterator[Violation]:
    """I1: a fresh sync ends each room with the room's last events."""
    for room, part in body.get("rooms", {}).get("join", {}).items():
        ids = tuple(event["event_id"] for event in part["timeline"]["events"])
        order = truth.visible(room, device.user)
        due = tuple(order[len(order) - len(ids) :])
        if ids != due:
            what = f"a fresh sync of {device.name} ends {room} with {ids} instead of {due}"
            yield Violation("I1 fresh", what)


def _placed(event: Json, places: Mapping[str, tuple[int, int]]) -> Placed:
    content, member = event["content"], ("", "")
    if event["type"] == "m.room.member":
        member = (event["state_key"], content["membership"])
    label = content.get("prove") or content.get("body") or content.get("reason") or ""
    redacted = "redacted_because" in event.get("unsigned", {})
    visibility = content.get("history_visibility", "")
    event_id = event["event_id"]
    place = places.get(event_id, NOWHERE)
    return Placed(event_id, event["sender"], label, member, redacted, visibility, place)


async def finished(tasks: list[asyncio.Task[None]], seconds: float) -> list[str]:
    """Wait for tasks; the names of those that did not end in time, which are cancelled."""
    if not tasks:
        return []
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return sorted(task.get_name() for task in late)
