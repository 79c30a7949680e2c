"""Who follows: devices that hop from worker to worker, by long-poll and by WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import aiohttp

from tests.prove.ground import ANSWER_SECONDS, NoAnswerError, pause
from tests.prove.history import Answer, Portion
from tests.support.streaming import PATH, PROTOCOL
from tests.support.sync_copy import Copy

if TYPE_CHECKING:
    import random

    from tests.prove.ground import Ground
    from tests.prove.parts import Seat

Json = dict[str, Any]
POLL_SECONDS: Final = 2.0
FRAME_SECONDS: Final = 2.0
LOSES, ACKNOWLEDGES, READS = 0.04, 0.9, 0.03
"""How often an answer is lost, a frame acknowledged, an answer's last event marked as read."""
BUSINESS: Final = {*range(4000, 4008)}
"""Close codes that say that the client did wrong."""
QUIET_SECONDS: Final = 0.7
"""Longer than a tail sleeps: where nothing came twice with this between, nothing will."""
PAGE: Final = "100"


@dataclass
class Device:
    """One session. It knows what it was told (`copy`), and of each room which events."""

    ground: Ground
    dice: random.Random
    name: str
    user: str
    device_id: str
    token: str
    limit: int
    reads: bool = True
    since: str = ""
    copy: Copy = field(default_factory=Copy)
    known: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def _filter(self, *, leave: bool = False) -> str:
        return json.dumps({"room": {"timeline": {"limit": self.limit}, "include_leave": leave}})

    async def begin(self) -> None:
        """Take in the first answer, from which on nothing may be missed."""
        await self._sync(self.dice.choice(self.ground.seats), 0.0, loses=0.0)

    async def run(self) -> None:
        """Follow until cancelled, some answers by one transport, some by the other."""
        while True:
            follow = self.dice.choice((self._poll, self._stream))
            try:
                await follow(self.dice.choice(self.ground.seats))
            except NoAnswerError:
                await asyncio.sleep(pause(self.dice))

    async def settle(self) -> None:
        """Follow until nothing more comes."""
        quiet = 0
        while quiet < 2:
            try:
                news = await self._sync(self.dice.choice(self.ground.seats), 0.0, loses=0.0)
            except NoAnswerError:
                news = True
            quiet = 0 if news else quiet + 1
            await asyncio.sleep(QUIET_SECONDS)

    async def fresh(self) -> Json:
        """What one who starts now is told, rooms that were left included."""
        query = {"filter": self._filter(leave=True), "timeout": "0"}
        found: Json = await self.ground.insist(self.dice, self.token, "GET", "/sync", None, query)
        return found

    async def _poll(self, seat: Seat) -> None:
        await self._sync(seat, POLL_SECONDS, LOSES)

    async def _sync(self, seat: Seat, wait: float, loses: float) -> bool:
        """Ask once; whether there was news."""
        query = {"filter": self._filter(), "timeout": str(int(wait * 1000))}
        if self.since:
            query["since"] = self.since
        worker, seconds = seat.name, wait + ANSWER_SECONDS
        body = await self.ground.ask(seat, self.token, "GET", "/sync", None, query, seconds=seconds)
        if self.dice.random() < loses:
            self._lose(body, worker, "long-poll")
        else:
            await self._take(body, worker, "long-poll")
        return bool(body.get("rooms") or body.get("to_device", {}).get("events"))

    async def _stream(self, seat: Seat) -> None:
        """Read some frames from one worker."""
        worker = seat.name
        query = {"filter": self._filter(), **({"since": self.since} if self.since else {})}
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS * 2),
                self.ground.http.ws_connect(
                    seat.base + PATH,
                    params=query,
                    headers={"Authorization": f"Bearer {self.token}"},
                    protocols=(PROTOCOL,),
                    max_msg_size=0,
                    autoclose=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                ) as socket,
            ):
                for _ in range(self.dice.randrange(1, 20)):
                    if not await self._frame(socket, worker):
                        break
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            raise NoAnswerError(type(error).__name__) from error

    async def _frame(self, socket: aiohttp.ClientWebSocketResponse, worker: str) -> bool:
        """Take one frame; whether to go on with this socket."""
        message = await socket.receive(FRAME_SECONDS)
        if message.type is not aiohttp.WSMsgType.TEXT:
            if message.type is aiohttp.WSMsgType.CLOSE and message.data in BUSINESS:
                self.ground.violated("answer", f"{worker} closed {self.name} with {message.data}")
            raise NoAnswerError(f"closed {message.data}")
        frame = json.loads(message.data)
        if frame["type"] != "sync":
            return True
        if self.dice.random() < LOSES:
            self._lose(frame["body"], worker, "WebSocket")
            return False
        await self._take(frame["body"], worker, "WebSocket")
        if self.dice.random() < ACKNOWLEDGES:
            await socket.send_str(json.dumps({"type": "ack", "seq": frame["seq"]}))
        return True

    def _lose(self, body: Json, worker: str, transport: str) -> None:
        portions = {room: _portion(part) for room, part in _rooms(body).items()}
        self._note(body, worker, transport, portions, taken=False)

    async def _take(self, body: Json, worker: str, transport: str) -> None:
        portions = {}
        for room, part in _rooms(body).items():
            portions[room] = await self._filled(room, part["timeline"])
        # No await from here on: an answer is taken in wholly or not at all.
        self._note(body, worker, transport, portions, taken=True)
        for room, portion in portions.items():
            self.known[room].update(portion.events)
        self.copy.apply(body)
        self.since = body["next_batch"]
        if self.reads and self.dice.random() < READS and not self.ground.calm.is_set():
            for room, portion in portions.items():
                await self._read(room, portion.ids[-1:])

    def _note(
        self,
        body: Json,
        worker: str,
        transport: str,
        portions: dict[str, Portion],
        *,
        taken: bool,
    ) -> None:
        letters = body.get("to_device", {}).get("events", ())
        self.ground.history.tell(
            Answer(
                self.ground.now(),
                self.name,
                worker,
                transport,
                self.since,
                body["next_batch"],
                portions,
                tuple(event["content"]["prove"] for event in letters),
                taken,
            )
        )

    async def _filled(self, room: str, timeline: Json) -> Portion:
        """A timeline, and what it left out since the last answer, page by page."""
        portion = _portion({"timeline": timeline})
        known = self.known[room]
        if not (portion.limited and known):
            return portion
        found: list[str] = []
        start: str | None = timeline["prev_batch"]
        while start is not None:
            query = {"dir": "b", "from": start, "limit": PAGE}
            path = f"/rooms/{quote(room)}/messages"
            page = await self.ground.insist(self.dice, self.token, "GET", path, None, query)
            ids = [event["event_id"] for event in page["chunk"]]
            end = next((i for i, event_id in enumerate(ids) if event_id in known), None)
            found += ids[:end]
            start = page.get("end") if end is None else None
        return Portion(portion.ids, limited=True, filled=tuple(reversed(found)))

    async def _read(self, room: str, ids: tuple[str, ...]) -> None:
        """Mark these events as read."""
        for event_id in ids:
            path = f"/rooms/{quote(room)}/receipt/m.read/{quote(event_id)}"
            await self.ground.insist(self.dice, self.token, "POST", path, {})


def _rooms(body: Json) -> dict[str, Json]:
    """The sections that have a timeline."""
    rooms = body.get("rooms", {})
    return {**rooms.get("join", {}), **rooms.get("leave", {})}


def _portion(part: Json) -> Portion:
    timeline = part["timeline"]
    return Portion(tuple(e["event_id"] for e in timeline["events"]), timeline["limited"])
