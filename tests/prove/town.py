"""The people of a run: members with sessions that write and devices that follow, and guests."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.prove.devices import Device
from tests.prove.ground import RefusedError
from tests.prove.writers import Guest, Postman, Writer

if TYPE_CHECKING:
    from tests.prove.ground import Ground

PASSWORD = "correct horse"
LIMITS = (5, 10, 20, 50)
"""Timeline limits of the devices: the small ones make gaps."""
LETTERS_EVERY = 2.0
GUESTS = 2
NOT_KNOWN = 404
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Size:
    """How much of everything; `rate` is what all writers send a second."""

    rooms: int = 6
    users: int = 8
    devices: int = 2
    rate: float = 30.0


@dataclass
class Town:
    """Who is there. In the `closed` rooms history is for those who were joined."""

    rooms: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    writers: list[Writer] = field(default_factory=list)
    postmen: list[Postman] = field(default_factory=list)
    guests: list[Guest] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)


class Founding:
    """Makes a town on an empty server, before anything breaks."""

    def __init__(self, ground: Ground, seed: int, size: Size) -> None:
        self._ground = ground
        self._seed = seed
        self._size = size
        self._dice = random.Random(f"town {seed}")
        self._town = Town()

    async def __call__(self) -> Town:
        """Register everybody, make the rooms."""
        town, size = self._town, self._size
        for number in range(size.users):
            await self._user(f"member{number}", size.devices, reads=True)
        town.members = list(town.tokens)
        for number in range(size.rooms):
            await self._room(number)
        for number in range(GUESTS + 1):  # the last one is never in any room
            user = await self._user(f"guest{number}", 1, reads=False)
            if number < GUESTS:
                room = town.closed[number % len(town.closed)]
                dice = self._own_dice(f"guest{number}")
                town.guests.append(Guest(self._ground, dice, room, town.tokens[user]))
        if await self._has_letters():
            self._post()
        return town

    def _own_dice(self, name: str) -> random.Random:
        return random.Random(f"{name} {self._seed}")

    async def _call(self, token: str, method: str, path: str, body: Any) -> Any:
        """Ask once, for nothing is broken yet; a busy machine may take its time."""
        seat = self._dice.choice(self._ground.seats)
        return await self._ground.ask(seat, token, method, path, body, seconds=PATIENCE_SECONDS)

    async def _user(self, name: str, devices: int, *, reads: bool) -> str:
        """Register; the first session writes, the others follow."""
        auth = {"type": "m.login.dummy"}
        body = {"username": name, "password": PASSWORD, "auth": auth}
        user = str((await self._call("", "POST", "/register", body))["user_id"])
        writing = await self._login(name)
        self._town.tokens[user] = writing["access_token"]
        for number in range(1, devices + 1):
            session, label = await self._login(name), f"{name}-{number}"
            dice = self._own_dice(label)
            self._town.devices.append(
                Device(
                    self._ground,
                    dice,
                    label,
                    user,
                    session["device_id"],
                    session["access_token"],
                    dice.choice(LIMITS),
                    reads,
                )
            )
        return user

    async def _login(self, name: str) -> dict[str, str]:
        who = {"type": "m.id.user", "user": name}
        body = {"type": "m.login.password", "identifier": who, "password": PASSWORD}
        found: dict[str, str] = await self._call("", "POST", "/login", body)
        return found

    async def _room(self, number: int) -> None:
        """A room of all members, each of whom may send state; every third is closed."""
        town = self._town
        closed = number % 3 == 0
        seen = {"history_visibility": "joined" if closed else "shared"}
        wanted = {
            "preset": "public_chat",
            "initial_state": [{"type": "m.room.history_visibility", "content": seen}],
            "power_level_content_override": {"state_default": 0},
        }
        creator = town.members[number % len(town.members)]
        made = await self._call(town.tokens[creator], "POST", "/createRoom", wanted)
        room = str(made["room_id"])
        town.rooms.append(room)
        if closed:
            town.closed.append(room)
        for user in town.members:
            if user != creator:
                path = f"/rooms/{quote(room)}/join"
                await self._call(town.tokens[user], "POST", path, {})
        self._writers(number, room)

    def _writers(self, number: int, room: str) -> None:
        size, town = self._size, self._town
        every = size.users * size.rooms / size.rate
        for at, user in enumerate(town.members):
            name = f"w{at}.{number}"
            dice = self._own_dice(name)
            writer = Writer(self._ground, dice, name, room, town.tokens[user], every)
            town.writers.append(writer)

    async def _has_letters(self) -> bool:
        """Whether this server knows to-device messages."""
        user = self._town.members[0]
        path = "/sendToDevice/prove.letter/first"
        try:
            await self._call(self._town.tokens[user], "PUT", path, {"messages": {}})
        except RefusedError as error:
            if error.status != NOT_KNOWN:
                raise
            return False
        return True

    def _post(self) -> None:
        town = self._town
        addresses = [(d.name, d.user, d.device_id) for d in town.devices]
        for at, user in enumerate(town.members):
            name = f"post{at}"
            dice = self._own_dice(name)
            token = town.tokens[user]
            town.postmen.append(Postman(self._ground, dice, name, token, LETTERS_EVERY, addresses))
