"""Lazy-loading of members (Client-Server API, "Lazy-loading room members")."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeserver.application.sync.state_delta import State
    from homeserver.domain.events.event import Event

MAX_DEVICES = 5_000
MAX_MEMBERS = 5_000


class _Sent:
    """What one device was sent: (room, user) → member event; `token` ended the last answer."""

    __slots__ = ("events", "token")

    def __init__(self) -> None:
        self.token = ""
        self.events: OrderedDict[tuple[int, str], str] = OrderedDict()


class LazyMembers:
    """Remembers which members a device was sent, so as not to repeat them.

    An answer may be lost on its way, so what it brought counts only once the device comes
    back with its token. Forgetting is harmless: a member is then sent once more.
    """

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self._devices: OrderedDict[int, _Sent] = OrderedDict()

    def begin(self, device_nid: int, token: str | None) -> None:
        """A device asks with a token: unless it is our last answer's, it may lack members."""
        sent = self._devices.get(device_nid)
        if sent is not None and sent.token != token:
            del self._devices[device_nid]

    def answer(self, device_nid: int, token: str) -> None:
        """The device is answered with this token."""
        sent = self._devices.get(device_nid)
        if sent is not None:
            sent.token = token

    def of_full_state(
        self, full: State, *, device_nid: int, room_nid: int, wanted: Iterable[str]
    ) -> State:
        """Keep of a full state only the members that are wanted."""
        wanted = set(wanted)
        kept = {k: e for k, e in full.items() if k[0] != MEMBER or k[1] in wanted}
        self._note(device_nid, room_nid, kept.values())
        return kept

    def missing(
        self, members: Iterable[Event], *, device_nid: int, room_nid: int, redundant: bool
    ) -> list[Event]:
        """Which of these member events the device has not been sent yet."""
        sent = self._devices.get(device_nid)
        known = sent.events if sent is not None else {}
        new = [
            event
            for event in members
            if redundant or known.get((room_nid, event.state_key or "")) != event.event_id
        ]
        self._note(device_nid, room_nid, new)
        return new

    def _note(self, device_nid: int, room_nid: int, events: Iterable[Event]) -> None:
        sent = self._devices.setdefault(device_nid, _Sent())
        self._devices.move_to_end(device_nid)
        for event in events:
            if event.type == MEMBER and event.state_key is not None:
                sent.events[room_nid, event.state_key] = event.event_id
        while len(sent.events) > MAX_MEMBERS:
            sent.events.popitem(last=False)
        if len(self._devices) > MAX_DEVICES:
            self._devices.popitem(last=False)
