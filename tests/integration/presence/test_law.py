"""The law of /sync for presence, softly: soon after nothing happens any more it holds.

Random walks of three people, two devices each, on two workers, by polls and sockets: who follows
ends with what one who starts now is told of everybody who shares a room.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from homeserver.application.presence import board
from tests.integration.sync.test_law import PEOPLE, Step, Walk, steps_of
from tests.support.cluster import open_cluster
from tests.support.law import LONGER, hold_to_law
from tests.support.sync_copy import Copy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cluster import ClusterTown
    from tests.support.syncing import Phone

EXAMPLES = 6
WEIGHTS = {
    **dict.fromkeys(("text", "join", "leave", "invite", "kick", "stream"), 2),
    "sync": 6,
    "present": 8,
}
STATES = ("online", "unavailable", "offline")


class PresentWalk(Walk):
    """Here people also say how they are."""

    async def _do(self, step: Step, phone: Phone, room: str) -> None:
        if step.what != "present":
            await super()._do(step, phone, room)
            return
        body = {"presence": STATES[step.where], "status_msg": f"{step.whom}"}
        await phone.call("PUT", f"/presence/{quote(phone.user_id)}/status", body)

    async def ends_alike(self) -> None:
        """Follow until everybody knows what is told now."""
        async with asyncio.timeout(20):
            for n in range(2 * PEOPLE):
                while not await self._agrees(n):
                    await asyncio.sleep(0.05)

    async def _agrees(self, n: int) -> bool:
        # both ask without saying anything of themselves: else asking would change the answer
        await self._quietly(n)
        fresh = Copy().apply(await self._raw(n, None))
        held = self.copies[n].presence
        me = self.phones[n].user_id  # one's own presence alone is no news
        sharing = {m.user_id for m in self.phones if await self._share(n, m)} - {me}
        now = {user: fresh.presence.get(user, "offline") for user in sharing}
        return {user: held.get(user, "offline") for user in sharing} == now

    async def _quietly(self, n: int) -> None:
        answer = await self._raw(n, self.phones[n].since)
        self.phones[n].since = answer["next_batch"]
        self.copies[n].apply(answer)

    async def _raw(self, n: int, since: str | None) -> dict[str, Any]:
        query = {"since": since, "set_presence": "offline", "use_state_after": "true"}
        found: dict[str, Any] = await self.phones[n].call("GET", "/sync", query=query)
        return found

    async def _share(self, n: int, other: Phone) -> bool:
        core = self.town.core
        for room_id in self.rooms:
            room = await core.rooms.get(room_id)
            members = (
                room.membership_of(self.phones[n].user_id),
                room.membership_of(other.user_id),
            )
            if members == ("join", "join"):
                return True
        return False


@pytest.mark.timeout(240 * LONGER)
def test_I4_presence_adds_up_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "PAUSE", 0.05)
    opening = open_cluster(tmp_path, "a", "b", presence=True)
    steps = steps_of(WEIGHTS, 20, 30)
    hold_to_law(opening, _walk, steps, number=20260803, examples=EXAMPLES)


async def _walk(town: ClusterTown, steps: list[Step]) -> None:
    walk = PresentWalk(town)
    await walk.take(steps)
    await town.settle()
    await walk.ends_alike()
