"""Where writers and devices are: the workers, a clock, and what is noted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from yarl import URL

from tests.prove.violation import Violation

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from tests.prove.history import History
    from tests.prove.parts import Seat

V3: Final = "/_matrix/client/v3"
PASSING: Final = (429, 502, 503, 504)
"""Answers after which a client tries again; any other refusal is a violation."""
ANSWER_SECONDS: Final = 4.0
OK: Final = 200


class NoAnswerError(Exception):
    """Nobody there, a connection that broke, too late, or not now: ask again, elsewhere."""


class RefusedError(Exception):
    """A refusal that is meant; `status` and `body` say what."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


@dataclass
class Ground:
    """What all share. `calm` is set when the run is to come to its end."""

    http: aiohttp.ClientSession
    seats: Sequence[Seat]
    history: History
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    calm: asyncio.Event = field(default_factory=asyncio.Event)
    violations: list[Violation] = field(default_factory=list)

    def now(self) -> float:
        """Seconds since the run began."""
        return asyncio.get_running_loop().time() - self.began

    def violated(self, rule: str, what: str) -> None:
        """Note what must not be."""
        self.violations.append(Violation(rule, what, (f"{self.now():9.3f} s",)))

    async def rest(self, seconds: float) -> bool:
        """Wait; whether the run goes on."""
        try:
            async with asyncio.timeout(seconds):
                await self.calm.wait()
        except TimeoutError:
            return True
        return False

    async def ask(
        self,
        seat: Seat,
        token: str,
        method: str,
        path: str,
        body: Any = None,
        query: dict[str, str] | None = None,
        *,
        seconds: float = ANSWER_SECONDS,
    ) -> Any:
        """Make a request of a worker. Raises NoAnswerError, RefusedError."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = URL(seat.base + V3 + path, encoded=True)
        if query:
            url = url.with_query(query)
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self.http.request(
                method, url, json=body, headers=headers, timeout=timeout
            ) as answer:
                found = await answer.json(content_type=None)
                status = answer.status
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            raise NoAnswerError(f"{type(error).__name__} {error}".strip()) from error
        if status in PASSING:
            raise NoAnswerError(f"{status} {found.get('errcode')}")
        if status != OK:
            raise RefusedError(status, found)
        return found

    async def insist(
        self,
        dice: random.Random,
        token: str,
        method: str,
        path: str,
        body: Any = None,
        query: dict[str, str] | None = None,
    ) -> Any:
        """Make a request of any worker until one answers. Raises RefusedError."""
        while True:
            try:
                return await self.ask(dice.choice(self.seats), token, method, path, body, query)
            except NoAnswerError:
                await asyncio.sleep(pause(dice))


def pause(dice: random.Random) -> float:
    """Seconds between two tries."""
    return dice.uniform(0.02, 0.2)
