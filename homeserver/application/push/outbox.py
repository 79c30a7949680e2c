"""What pushers are owed, on its way: in order for each, and no gateway waits for another."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from homeserver.application.ports.push_log import Retry
from homeserver.application.push.deliver import Delivered, Failed, Over
from homeserver.application.push.lanes import DOWN_AFTER, Host, Lane
from homeserver.domain.push.retry import MAX_AGE_MS, REFUSED_TRIES, pause_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.push_log import LaneKey, Notice
    from homeserver.application.push.deliver import Deliver, Outcome
    from homeserver.application.push.figures import PushFigures
    from homeserver.application.push.settle import Settle

log = logging.getLogger(__name__)

MAX_OWED: Final = 50_000
"""Notices in memory, of all pushers."""
MAX_OF_ONE: Final = 16
"""Of one pusher: the newest; each tells all counts anew."""
AT_ONCE: Final = 400
"""Requests to all gateways."""


class Outbox:
    """Delivers notices. It lives as long as its holder has the role."""

    def __init__(
        self,
        deliver: Deliver,
        settle: Settle,
        clock: Clock,
        figures: PushFigures,
        chance: Callable[[], float],
    ) -> None:
        """Deliver by this; `chance` gives numbers from 0 to 1."""
        self._deliver = deliver
        self._settle = settle
        self._clock = clock
        self._figures = figures
        self._chance = chance
        self._lanes: OrderedDict[LaneKey, Lane] = OrderedDict()
        self._hosts: dict[str, Host] = {}
        self._turns: OrderedDict[str, Host] = OrderedDict()
        self._stopped = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._figures.owed = 0

    def resume(self, owed: Iterable[Notice], retries: Mapping[LaneKey, Retry]) -> None:
        """Take over what was stored; pushers that failed wait as long as they had to."""
        lanes: dict[LaneKey, None] = {}
        for notice in owed:
            self._append(notice)
            lanes[notice.lane] = None
        now = self._clock.now_ms()
        for key in lanes:
            lane = self._lanes.get(key)
            if lane is None:
                continue
            retry = retries.get(key)
            if retry is None:
                self._queue(lane)
            else:
                lane.failures = retry.failures
                self._wait(lane, max(0, retry.due_ts - now))
        gone = {key: None for key in retries if key not in self._lanes}
        self._settle.note([], gone)

    def add(self, notices: Sequence[Notice]) -> None:
        """Owe these, which are stored."""
        for notice in notices:
            lane = self._append(notice)
            if not lane.busy and lane.timer is None and len(lane.notices) == 1:
                self._queue(lane)

    def owes_badge(self, key: LaneKey) -> bool:
        """Whether the last that a pusher is owed, and that is not under way, tells its counts."""
        lane = self._lanes.get(key)
        if lane is None or not lane.notices:
            return False
        return not (lane.busy and len(lane.notices) == 1)

    async def stop(self) -> None:
        """Stop; what is under way will be sent again by whoever holds the role next."""
        self._stopped = True
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._settle.stop()

    def _append(self, notice: Notice) -> Lane:
        lane = self._lanes.get(notice.lane)
        if lane is None:
            host = self._hosts.setdefault(notice.host, Host(notice.host))
            lane = self._lanes[notice.lane] = Lane(notice.lane, host)
        lane.notices.append(notice)
        self._figures.owed += 1
        while len(lane.notices) > MAX_OF_ONE:
            self._drop(lane)
        if self._figures.owed > MAX_OWED:
            self._make_room(lane)
        return lane

    def _make_room(self, but: Lane) -> None:
        """Drop what those are owed that wait for their gateways longest."""
        for lane in list(self._lanes.values()):
            if self._figures.owed <= MAX_OWED:
                return
            if lane.timer is not None and lane is not but:
                while lane.notices:
                    self._drop(lane)
                self._close(lane)
        while self._figures.owed > MAX_OWED and len(but.notices) > 1 + but.busy:
            self._drop(but)

    def _drop(self, lane: Lane) -> None:
        """Give up the oldest notice that is not under way."""
        at = 1 if lane.busy else 0
        notice = lane.notices[at]
        del lane.notices[at]
        self._figures.owed -= 1
        self._figures.dropped += 1
        self._settle.note([notice], {})

    def _queue(self, lane: Lane) -> None:
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        lane.host.waiting.discard(lane)
        lane.host.ready.append(lane)
        self._turns[lane.host.name] = lane.host
        self._pump()

    def _wait(self, lane: Lane, pause: float) -> None:
        """Let a lane wait so many milliseconds."""
        lane.host.waiting.add(lane)
        loop = asyncio.get_running_loop()
        lane.timer = loop.call_later(pause / 1000, self._queue, lane)

    def _pump(self) -> None:
        """Start what may start, one of each gateway in turn."""
        while self._turns and len(self._tasks) < AT_ONCE and not self._stopped:
            name, host = self._turns.popitem(last=False)
            if host.ready and host.room > 0:
                self._start(host, host.ready.popleft())
                self._turns[name] = host

    def _start(self, host: Host, lane: Lane) -> None:
        host.running += 1
        lane.busy = True
        task = asyncio.create_task(self._send(lane), name="push")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, lane: Lane) -> None:
        """Send a lane's first notice, and see what follows from it."""
        notice, host = lane.notices[0], lane.host
        try:
            outcome = await self._attempt(notice)
        finally:
            lane.busy = False
            host.running -= 1
        self._after(lane, notice, outcome)
        self._turns[host.name] = host
        asyncio.get_running_loop().call_soon(self._pump)  # this task has ended by then

    async def _attempt(self, notice: Notice) -> Outcome:
        if notice.ts <= self._clock.now_ms() - MAX_AGE_MS:
            self._figures.dropped += 1
            return Delivered(asked=False)
        try:
            return await self._deliver(notice)
        except Exception as error:  # noqa: BLE001 (the store is away, say: try again)
            log.warning("push.not_sent: %s", error or type(error).__name__)
            return Failed(by_host=False)

    def _after(self, lane: Lane, notice: Notice, outcome: Outcome) -> None:
        match outcome:
            case Over():
                self._settle.note(lane.notices, {lane.key: None})
                self._figures.owed -= len(lane.notices)
                lane.notices.clear()
                self._close(lane)
            case Delivered(asked=asked):
                if asked:
                    self._revived(lane.host)
                self._advance(lane, notice, well=asked)
            case Failed():
                self._failed(lane, notice, outcome)

    def _advance(self, lane: Lane, notice: Notice, *, well: bool) -> None:
        """Go on to the next notice."""
        lane.refusals = 0
        cleared: dict[LaneKey, Retry | None] = {}
        if well and lane.failures:
            lane.failures, cleared = 0, {lane.key: None}
        lane.notices.popleft()
        self._figures.owed -= 1
        self._settle.note([notice], cleared)
        if lane.notices:
            self._queue(lane)
        else:
            self._close(lane)

    def _failed(self, lane: Lane, notice: Notice, outcome: Failed) -> None:
        lane.failures += 1
        if outcome.by_host:
            lane.host.failures += 1
        pause = pause_ms(lane.failures, self._chance(), outcome.retry_after)
        due = Retry(lane.failures, self._clock.now_ms() + pause)
        lane.refusals += outcome.refused
        if lane.refusals >= REFUSED_TRIES:
            lane.refusals = 0
            self._figures.dropped += 1
            self._figures.owed -= 1
            lane.notices.popleft()
            self._settle.note([notice], {})
        if not lane.notices:
            self._close(lane)
            return
        self._settle.note([], {lane.key: due})
        self._wait(lane, pause)
        self._lanes.move_to_end(lane.key)

    def _revived(self, host: Host) -> None:
        """A gateway answers again: whoever waits for it need wait no longer."""
        if host.failures >= DOWN_AFTER:
            host.failures = 0
            for lane in list(host.waiting):
                self._queue(lane)
        host.failures = 0

    def _close(self, lane: Lane) -> None:
        """Forget a lane that is owed nothing."""
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        lane.host.waiting.discard(lane)
        if lane.failures:
            self._settle.note([], {lane.key: None})
        self._lanes.pop(lane.key, None)
        if lane.host.is_idle:
            self._hosts.pop(lane.host.name, None)
