"""Who sends: numbered messages, redactions, state, letters to devices; and guests who come and go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.prove.ground import NoAnswerError, RefusedError, pause
from tests.prove.history import LETTER, MESSAGE, REDACTION, STATE, Attempt, Errand

if TYPE_CHECKING:
    import random

    from tests.prove.ground import Ground

REDACTIONS, STATES = 0.04, 0.04
"""The parts of what a writer sends."""
GUEST_SECONDS = 2.0, 8.0
"""How long a guest stays, and stays away."""
SHUT_OUT = 403


@dataclass
class Writer:
    """One user's session in one room. Sends one thing at a time, until it is acknowledged."""

    ground: Ground
    dice: random.Random
    name: str
    room: str
    token: str
    every: float
    _number: int = 0
    _mine: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Send until the run comes to its end, `every` so many seconds on the average."""
        while await self.ground.rest(self.dice.expovariate(1 / self.every)):
            await self.carry_out(self._next())

    def _next(self) -> Errand:
        self._number += 1
        kind, target, fate = MESSAGE, "", self.dice.random()
        if fate < REDACTIONS and self._mine:
            kind = REDACTION
            target = self._mine.pop(self.dice.randrange(len(self._mine)))
        elif fate > 1 - STATES:
            kind = STATE
        txn = f"{self.name}.{self._number}"
        errand = Errand(self.room, self.name, self._number, kind, txn, target)
        return self.ground.history.want(errand)

    async def carry_out(self, errand: Errand) -> None:
        """Try on any worker until one acknowledges."""
        method, path, body = _request(errand)
        while True:
            seat, began = self.dice.choice(self.ground.seats), self.ground.now()
            worker, event_id, outcome = seat.name, "", ""
            try:
                answer = await self.ground.ask(seat, self.token, method, path, body)
                event_id = answer["event_id"]
            except NoAnswerError as error:
                outcome = str(error)
            attempt = Attempt(began, self.ground.now(), errand.label, worker, outcome, event_id)
            self.ground.history.attempts.append(attempt)
            if event_id:
                seat.acknowledged.set()
                if errand.kind == MESSAGE:
                    self._mine.append(event_id)
                return
            await asyncio.sleep(pause(self.dice))


def _request(errand: Errand) -> tuple[str, str, dict[str, Any]]:
    """Method, path and body of an errand in a room."""
    rooms = f"/rooms/{quote(errand.room)}"
    if errand.kind == STATE:
        return "PUT", f"{rooms}/state/prove.state/{errand.writer}", {"prove": errand.label}
    if errand.kind == REDACTION:
        body = {"reason": errand.label}
        return "PUT", f"{rooms}/redact/{quote(errand.target)}/{errand.txn}", body
    body = {"msgtype": "m.text", "body": errand.label}
    return "PUT", f"{rooms}/send/m.room.message/{errand.txn}", body


@dataclass
class Postman:
    """Sends letters to devices: `addresses` are (device name, user id, device id)."""

    ground: Ground
    dice: random.Random
    name: str
    token: str
    every: float
    addresses: list[tuple[str, str, str]]
    _number: int = 0

    async def run(self) -> None:
        """Send until the run comes to its end."""
        while await self.ground.rest(self.dice.expovariate(1 / self.every)):
            self._number += 1
            await self._send(self._number, *self.dice.choice(self.addresses))

    async def _send(self, number: int, device: str, user: str, device_id: str) -> None:
        errand = Errand(device, self.name, number, LETTER, f"{self.name}.{number}")
        self.ground.history.want(errand)
        body = {"messages": {user: {device_id: {"prove": errand.label}}}}
        path, began = f"/sendToDevice/prove.letter/{errand.txn}", self.ground.now()
        await self.ground.insist(self.dice, self.token, "PUT", path, body)
        attempt = Attempt(began, self.ground.now(), errand.label, "any worker", "", "sent")
        self.ground.history.attempts.append(attempt)


@dataclass
class Guest:
    """Joins a room and leaves it, again and again."""

    ground: Ground
    dice: random.Random
    room: str
    token: str

    async def run(self) -> None:
        """Come and go until the run comes to its end."""
        inside = False
        while await self.ground.rest(self.dice.uniform(*GUEST_SECONDS)):
            inside = not inside
            await self._step("join" if inside else "leave")

    async def _step(self, step: str) -> None:
        """Repeated, a step may find that it was taken already."""
        path = f"/rooms/{quote(self.room)}/{step}"
        try:
            await self.ground.insist(self.dice, self.token, "POST", path, {})
        except RefusedError as error:
            if step != "leave" or error.status != SHUT_OUT:
                raise
