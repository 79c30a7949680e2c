"""What a worker knows of one user's presence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.domain.presence.presence import NOTHING, ONLINE, Said, Shown, Word, together

if TYPE_CHECKING:
    from collections.abc import Collection

LINGER_SECONDS: Final = 30.0
"""How long a device counts as connected after its last poll."""
REPEAT_SECONDS: Final = 30.0
"""How often other workers are told what they should know already."""
HEARSAY_SECONDS: Final = 90.0
"""How long another worker's word counts that it does not repeat."""


class Attendance:
    """One device that syncs here: its state, its polls under way, and till when it counts.

    `until` is in monotonic seconds, `at_ms` when the state was last said.
    """

    __slots__ = ("at_ms", "polls", "state", "until")

    def __init__(self) -> None:
        """Begin as a device that was never seen."""
        self.state = ""
        self.at_ms = 0
        self.polls = 0
        self.until = 0.0


class Hearsay(NamedTuple):
    """What another worker said, its number there, and till when it counts."""

    word: Word
    number: int
    until: float


class Person:
    """One user.

    `rooms` are those where others may see it, `tick` is of the last change of `shown`, `told` what
    other workers were told, at the monotonic second `told_at`; `word` is all that is known together.
    `rendered` is the event that readers get, with what it was made of.
    """

    __slots__ = (
        "active_ms",
        "devices",
        "heard",
        "nid",
        "rendered",
        "rooms",
        "shown",
        "status_ms",
        "status_msg",
        "tick",
        "told",
        "told_at",
        "user_id",
        "word",
    )

    def __init__(self, nid: int, user_id: str) -> None:
        """Begin offline."""
        self.nid = nid
        self.user_id = user_id
        self.devices: dict[int, Attendance] = {}
        self.heard: dict[str, Hearsay] = {}
        self.rooms: Collection[int] = ()
        self.active_ms = 0
        self.status_msg: str | None = None
        self.status_ms = 0
        self.word = NOTHING
        self.shown = Shown()
        self.told = NOTHING
        self.told_at = 0.0
        self.tick = 0
        self.rendered: tuple[object, bytes] | None = None

    def attend(self, device_nid: int, state: str, now_ms: int) -> Attendance:
        """A device is here in a state; becoming online is something that the user did."""
        device = self.devices.setdefault(device_nid, Attendance())
        if state == ONLINE and device.state != ONLINE:
            self.active_ms = now_ms
        device.state, device.at_ms = state, now_ms
        return device

    def own(self, now: float) -> Word:
        """What is known here; devices that are gone are forgotten. `now` is monotonic seconds."""
        gone = [d for d, each in self.devices.items() if not each.polls and each.until <= now]
        for device in gone:
            del self.devices[device]
        devices = tuple(Said(d, each.state, each.at_ms) for d, each in self.devices.items())
        return Word(devices, self.active_ms, self.status_msg, self.status_ms)

    def all(self, own: Word, now: float) -> Word:
        """All words as one; those that nobody repeated are forgotten."""
        for worker in [w for w, each in self.heard.items() if each.until <= now]:
            del self.heard[worker]
        if not self.heard:
            return own
        return together((own, *(each.word for each in self.heard.values())))

    def is_news(self, own: Word) -> bool:
        """Whether other workers do not know yet what is known here."""
        before = {(said.device_nid, said.state) for said in self.told.devices}
        after = {(said.device_nid, said.state) for said in own.devices}
        return before != after or own.status_ms != self.told.status_ms
