"""One story for every transport and every number of workers.

DM and group, text and emoji, typing, receipts, redaction, history, catching up after being
offline, a worker that goes away in between: all of it seen once, in order, on every device.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.phones import Phone

LINES = [f"line {number}" for number in range(30)]


@dataclass(frozen=True)
class Cast:
    """Two users with two devices each. Romeo's first and juliet's second share a worker."""

    romeo: Phone
    romeo2: Phone
    juliet: Phone
    juliet2: Phone

    @property
    def everybody(self) -> list[Phone]:
        """All devices."""
        return [self.romeo, self.romeo2, self.juliet, self.juliet2]

    async def enter(self) -> None:
        """Make the accounts, log the second devices in."""
        for phone in (self.romeo, self.juliet):
            await phone.register()
        for phone in (self.romeo2, self.juliet2):
            await phone.login()

    async def leave(self) -> None:
        """Close all connections."""
        for phone in self.everybody:
            await phone.close()


async def play(cast: Cast, calamity: Callable[[], Awaitable[None]]) -> None:
    """Tell the story; in the `calamity` a worker goes away, and all devices find another."""
    await cast.enter()
    romeo, juliet = cast.romeo, cast.juliet
    direct = await _room(cast, direct=True)
    group = await _room(cast, name="Verona")
    for phone in cast.everybody:
        await phone.sync()
    last = await _they_talk(cast, direct, group)
    await _they_type_and_read(cast, direct, group, last)
    regret = await _one_is_sorry(cast, direct)

    for phone in (juliet, cast.juliet2):
        await phone.rest()
    for line in LINES:
        await romeo.say(group, line)
    await calamity()
    await romeo.say(group, "after the calamity")
    words = [*LINES, "after the calamity"]
    for phone in cast.everybody:
        await phone.until(lambda p=phone: p.seen[group][-1] == words[-1])  # type: ignore[misc]
        assert phone.seen[group][-10:] == words[-10:]
        assert len(phone.events) == len(set(phone.events)), "an event came twice"
    texts, _ = await juliet.history(group)
    assert texts == ["Good night, good night", *words]
    _, redacted = await cast.juliet2.history(direct)
    assert redacted == {regret}


async def _room(cast: Cast, *, name: str = "", direct: bool = False) -> str:
    room = await cast.romeo.create_room(cast.juliet.user_id, name=name, direct=direct)
    await cast.juliet.until(lambda: room in cast.juliet.invites)
    await cast.juliet.join(room)
    return room


async def _they_talk(cast: Cast, direct: str, group: str) -> str:
    """Each says something; returns the last event's id."""
    await cast.romeo.say(direct, "But soft 🌹")
    await cast.juliet2.until(lambda: cast.juliet2.seen.get(direct) == ["But soft 🌹"])
    await cast.juliet2.say(direct, "Ay me")
    await cast.romeo2.until(lambda: cast.romeo2.seen.get(direct, [])[-1:] == ["Ay me"])
    asleep = asyncio.create_task(cast.romeo2.until(lambda: group in cast.romeo2.seen))
    last = await cast.juliet.say(group, "Good night, good night")
    await asyncio.wait_for(asleep, 5)
    for phone in cast.everybody:
        # each room has its order; between rooms there is none
        await phone.until(lambda p=phone: group in p.seen)  # type: ignore[misc]
        await phone.until(lambda p=phone: p.seen.get(direct, [])[-1:] == ["Ay me"])  # type: ignore[misc]
        assert phone.seen[direct] == ["But soft 🌹", "Ay me"]
        assert phone.seen[group] == ["Good night, good night"]
    return last


async def _they_type_and_read(cast: Cast, direct: str, group: str, last: str) -> None:
    """Seen by all the others."""
    romeo = cast.romeo.user_id
    await cast.romeo.type(direct)
    await cast.juliet2.until(lambda: cast.juliet2.typing[-1:] == [[romeo]])
    await cast.romeo2.read(group, last)
    for phone in (cast.juliet, cast.juliet2, cast.romeo):
        await phone.until(lambda p=phone: (romeo, last) in p.receipts)  # type: ignore[misc]


async def _one_is_sorry(cast: Cast, direct: str) -> str:
    """Says something and takes it back; returns the event's id."""
    regret = await cast.romeo.say(direct, "too rash, too unadvised")
    await cast.romeo.redact(direct, regret)
    sorry = f"redacted {regret}"
    for phone in cast.everybody:
        await phone.until(lambda p=phone: p.seen[direct][-1] == sorry)  # type: ignore[misc]
        assert phone.seen[direct][-2:] in (
            ["too rash, too unadvised", sorry],
            ["Ay me", sorry],  # both were news at once: the text is gone
        )
    return regret
