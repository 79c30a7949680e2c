"""Lazy-loading of members (Client-Server API, "Lazy-loading room members")."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from homeserver.application.sync.state_delta import State
    from homeserver.domain.events.event import Event

MAX_DEVICES = 5_000
MAX_MEMBERS = 500


class LazyMembers:
    """Remembers which members a device was sent, so as not to repeat them.

    Forgetting is harmless: a member is then sent once more.
    """

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self._sent: OrderedDict[tuple[int, int], OrderedDict[str, str]] = OrderedDict()

    def of_full_state(
        self, full: State, *, device_nid: int, room_nid: int, wanted: Iterable[str]
    ) -> State:
        """Keep of a full state only the members that matter: the senders and the reader."""
        wanted = set(wanted)
        kept = {k: e for k, e in full.items() if k[0] != MEMBER or k[1] in wanted}
        self._sent.pop((device_nid, room_nid), None)
        self._note(device_nid, room_nid, kept.values())
        return kept

    def missing(
        self, members: Iterable[Event], *, device_nid: int, room_nid: int, redundant: bool
    ) -> list[Event]:
        """Which of these member events the device has not been sent yet."""
        known: Mapping[str, str] = self._sent.get((device_nid, room_nid), {})
        new = [
            event
            for event in members
            if redundant or known.get(event.state_key or "") != event.event_id
        ]
        self._note(device_nid, room_nid, new)
        return new

    def _note(self, device_nid: int, room_nid: int, events: Iterable[Event]) -> None:
        key = (device_nid, room_nid)
        sent = self._sent.setdefault(key, OrderedDict())
        self._sent.move_to_end(key)
        for event in events:
            if event.type == MEMBER and event.state_key is not None:
                sent[event.state_key] = event.event_id
                if len(sent) > MAX_MEMBERS:
                    sent.popitem(last=False)
        if len(self._sent) > MAX_DEVICES:
            self._sent.popitem(last=False)
