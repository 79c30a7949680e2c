"""Asks Redis for routes: one question in flight, answers remembered for a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.infrastructure.redis.link import RedisDownError
from homeserver.infrastructure.redis.route_scripts import LIVE, LOOK_UP
from homeserver.infrastructure.redis.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from homeserver.application.ports.clock import Clock
    from homeserver.infrastructure.redis.link import RedisLink

WORKERS = "workers"
USERS_AT_ONCE = 500
MOST_REMEMBERED = 50_000

_Answer = tuple[float, frozenset[str]]


def user_key(user_nid: int) -> str:
    """The key of a user's routes."""
    return f"user:{user_nid}"


class RouteLookup:
    """Reads the routes that all workers have registered. Empty where Redis is down."""

    def __init__(self, link: RedisLink, clock: Clock, fresh: float) -> None:
        """Answers count for `fresh` seconds."""
        self._link = link
        self._clock = clock
        self._fresh = fresh
        self._answers: dict[int, _Answer] = {}
        self._questions: Turns[int] = Turns(self._ask, USERS_AT_ONCE)

    async def workers_of(self, users: Collection[int]) -> Mapping[int, frozenset[str]]:
        """The live workers of each of these users."""
        answers, now = self._answers, self._clock.monotonic()
        unknown = [user for user in users if (a := answers.get(user)) is None or a[0] <= now]
        if unknown:
            await self._questions.ask(unknown, self._link.call_seconds)
        found = ((user, answers.get(user)) for user in users)
        return {user: answer[1] for user, answer in found if answer is not None and answer[0] > now}

    async def routes_of(self, user_nid: int) -> Sequence[tuple[int, str]]:
        """Device and worker of each route of a user, as it is now."""
        try:
            found = await self._link.run(LOOK_UP, [WORKERS, user_key(user_nid)], ())
        except RedisDownError:
            return ()
        return [_parsed(entry) for entry in found[0]]

    async def live_workers(self) -> Sequence[str]:
        """The workers that beat."""
        try:
            return [worker.decode() for worker in await self._link.run(LIVE, [WORKERS], ())]
        except RedisDownError:
            return ()

    async def close(self) -> None:
        """Ask no more."""
        await self._questions.close()

    async def _ask(self, users: Sequence[int]) -> None:
        try:
            found = await self._link.run(LOOK_UP, [WORKERS, *map(user_key, users)], ())
        except RedisDownError:
            return
        until = self._clock.monotonic() + self._fresh
        answers = self._answers
        for user, entries in zip(users, found, strict=True):
            answers.pop(user, None)
            answers[user] = (until, frozenset(_parsed(entry)[1] for entry in entries))
        while len(answers) > MOST_REMEMBERED:
            del answers[next(iter(answers))]


def _parsed(entry: bytes) -> tuple[int, str]:
    device, _, worker = entry.decode().partition(" ")
    return int(device), worker
