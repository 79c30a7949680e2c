"""Presence of a user, and how several words about one user become one (spec, "Presence")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

ONLINE: Final = "online"
UNAVAILABLE: Final = "unavailable"
OFFLINE: Final = "offline"
STATES: Final = (ONLINE, UNAVAILABLE, OFFLINE)
ACTIVE_SECONDS: Final = 60
"""How long after an action a user counts as currently active."""
IDLE_SECONDS: Final = 300
"""After how long without any action an online user becomes unavailable."""
MAX_STATUS: Final = 512
"""Characters of a status message that are kept."""


class Said(NamedTuple):
    """What a device said of itself, and when (milliseconds since the Unix epoch)."""

    device_nid: int
    state: str
    at_ms: int


class Word(NamedTuple):
    """What one worker knows of a user.

    `devices` are those connected there. `active_ms` is when the user last did something,
    `status_ms` when `status_msg` was set, both in milliseconds since the Unix epoch; 0: never.
    """

    devices: tuple[Said, ...] = ()
    active_ms: int = 0
    status_msg: str | None = None
    status_ms: int = 0


class Shown(NamedTuple):
    """What others are told, but for how long ago the last action was."""

    state: str = OFFLINE
    currently_active: bool = False
    status_msg: str | None = None


NOTHING: Final = Word()


def together(words: Iterable[Word]) -> Word:
    """One word of several: each device as it was last heard of, newest action and status.

    A device that asks one worker after the other is known to several of them.
    """
    devices: dict[int, Said] = {}
    active_ms = status_ms = 0
    status_msg = None
    for word in words:
        for said in word.devices:
            held = devices.get(said.device_nid)
            if held is None or held.at_ms < said.at_ms:
                devices[said.device_nid] = said
        active_ms = max(active_ms, word.active_ms)
        if word.status_ms > status_ms:
            status_msg, status_ms = word.status_msg, word.status_ms
    return Word(tuple(devices.values()), active_ms, status_msg, status_ms)


def shown(word: Word, now_ms: int) -> Shown:
    """What others see: the most present device counts, and whether the user does anything."""
    state = min((said.state for said in word.devices), key=STATES.index, default=OFFLINE)
    idle_ms = now_ms - word.active_ms
    if state == ONLINE and idle_ms > IDLE_SECONDS * 1000:
        state = UNAVAILABLE
    active = state == ONLINE and idle_ms < ACTIVE_SECONDS * 1000
    return Shown(state, active, word.status_msg)
