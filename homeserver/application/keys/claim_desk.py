"""Handing out one-time keys, each once, whoever asks for them and on whatever worker."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.application.accounts.errors import StaleError
from homeserver.application.ports.one_time_key_store import Claimable, Owner
from homeserver.application.ports.tail import COUNTS
from homeserver.domain.shared.errors import MatrixError, OutageError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from homeserver.application.ports.one_time_key_store import Fallback, OneTimeKeyStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.devices.one_time_keys import OneTimeKey

AT_ONCE: Final = 128
"""Devices whose keys one round reads."""
ATTEMPTS: Final = 50
"""Rounds that another worker may win before a claim is given up."""
_NOTHING: Final = Claimable(0, {})


class Demand(NamedTuple):
    """A key of a device, of an algorithm."""

    owner: Owner
    algorithm: str


class _Waiting(NamedTuple):
    demand: Demand
    given: asyncio.Future[OneTimeKey | None]
    attempt: int


class ClaimDesk:
    """Serves all who wait in rounds, so that claims of one worker never meet each other.

    A round reads the next keys of the devices that are asked for, gives each claim another one,
    and writes one change for each device. A change expects that nobody has handed out keys of
    the device since they were read: where another worker has, its claims wait for the next
    round. Fallback keys are for those who got nothing else.
    """

    def __init__(self, store: OneTimeKeyStore, writer: Writer) -> None:
        """Begin with nobody waiting."""
        self._store = store
        self._writer = writer
        self._waiting: dict[Owner, list[_Waiting]] = {}
        self._task: asyncio.Task[None] | None = None

    async def claim(self, demands: Collection[Demand]) -> Mapping[Demand, OneTimeKey]:
        """Get a key for each demand, where its device has one. Raises UnavailableError."""
        loop = asyncio.get_running_loop()
        asked = [_Waiting(demand, loop.create_future(), 0) for demand in demands]
        for each in asked:
            self._waiting.setdefault(each.demand.owner, []).append(each)
        if asked and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._serve(), name="claims")
        got = await asyncio.gather(*(each.given for each in asked), return_exceptions=True)
        found: dict[Demand, OneTimeKey] = {}
        for each, key in zip(asked, got, strict=True):
            if isinstance(key, BaseException):
                raise key
            if key is not None:
                found[each.demand] = key
        return found

    async def _serve(self) -> None:
        while self._waiting:
            owners = list(self._waiting)[:AT_ONCE]
            served = {owner: self._waiting.pop(owner) for owner in owners}
            try:
                await self._round(served)
            except Exception as error:  # noqa: BLE001 (raised to who asked)
                for each in (each for waiting in served.values() for each in waiting):
                    _fail(each, error)

    async def _round(self, served: Mapping[Owner, Sequence[_Waiting]]) -> None:
        most = max(_largest(waiting) for waiting in served.values())
        found = await self._store.claimable(served, most)
        without: list[_Waiting] = []
        async with asyncio.TaskGroup() as tasks:
            for owner, waiting in served.items():
                given, empty = _dealt(waiting, found.get(owner, _NOTHING))
                without += empty
                if given:
                    tasks.create_task(self._hand_out(owner, found[owner].claims, given))
        await self._fall_back(without)

    async def _hand_out(
        self, owner: Owner, claims: int, given: Sequence[tuple[_Waiting, OneTimeKey]]
    ) -> None:
        def change(draft: Draft) -> None:
            self._store.claim(draft, owner, claims, [key for _, key in given])
            draft.touch(owner.user_nid, COUNTS)

        try:
            await self._writer.submit(change, conflict=StaleError())
        except StaleError:
            self._again([each for each, _ in given])
        except (MatrixError, OutageError) as error:
            for each, _ in given:
                _fail(each, error)
        else:
            for each, key in given:
                _give(each, key)

    def _again(self, waiting: Sequence[_Waiting]) -> None:
        for each in waiting:
            if each.attempt == ATTEMPTS:
                _fail(each, UnavailableError("Too many ask for keys of this device: try again"))
            else:
                once_more = each._replace(attempt=each.attempt + 1)
                self._waiting.setdefault(each.demand.owner, []).append(once_more)

    async def _fall_back(self, waiting: Sequence[_Waiting]) -> None:
        """Give fallback keys to who got no other one, and note the first time of each."""
        found = await self._store.fallbacks({each.demand.owner for each in waiting})
        unused: dict[Demand, Fallback] = {}
        for each in waiting:
            fallback = found.get(each.demand.owner, {}).get(each.demand.algorithm)
            if fallback is not None and not fallback.used:
                unused[each.demand] = fallback

        def change(draft: Draft) -> None:
            for demand, fallback in unused.items():
                self._store.use_fallback(draft, demand.owner, fallback.key)
                draft.touch(demand.owner.user_nid, COUNTS)

        if unused:
            await self._writer.submit(change)
        for each in waiting:
            fallback = found.get(each.demand.owner, {}).get(each.demand.algorithm)
            _give(each, None if fallback is None else fallback.key)


def _largest(waiting: Sequence[_Waiting]) -> int:
    """How many ask for keys of one algorithm."""
    return max(Counter(each.demand.algorithm for each in waiting).values())


def _dealt(
    waiting: Sequence[_Waiting], claimable: Claimable
) -> tuple[list[tuple[_Waiting, OneTimeKey]], list[_Waiting]]:
    """Who gets which key, and who gets none."""
    given, without = [], []
    taken: dict[str, int] = defaultdict(int)
    for each in waiting:
        algorithm = each.demand.algorithm
        keys = claimable.keys.get(algorithm, ())
        if taken[algorithm] < len(keys):
            given.append((each, keys[taken[algorithm]]))
            taken[algorithm] += 1
        else:
            without.append(each)
    return given, without


def _give(each: _Waiting, key: OneTimeKey | None) -> None:
    if not each.given.done():
        each.given.set_result(key)


def _fail(each: _Waiting, error: Exception) -> None:
    if not each.given.done():
        each.given.set_exception(error)
