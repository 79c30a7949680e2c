"""Typing, receipts and presence for services (AS API, "Pushing ephemeral data"): in memory, bounded.

They are worth nothing late, so a service that is away hears of the newest ones alone, and what
a worker had when it died is lost.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from homeserver.application.presence.content import presence_content
from homeserver.domain.receipts.receipts import READ, receipt_contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from homeserver.application.ports.clock import Clock
    from homeserver.application.presence.board import PresenceBoard
    from homeserver.application.typing.board import TypingBoard
    from homeserver.domain.appservices.interest import RoomInterest
    from homeserver.domain.appservices.registration import Registration
    from homeserver.domain.appservices.services import Services
    from homeserver.domain.receipts.placed import PlacedReceipt
    from homeserver.domain.receipts.receipts import Receipt, ReceiptKey

MAX_ROOMS: Final = 1_000
"""Rooms, and users, of which a service has news at once; the oldest are dropped."""
PRESENT_AT_ONCE: Final = 100
"""Users whose presence goes with one transaction, and rooms looked at for it in one step."""


class _News:
    """What one service has not been told yet."""

    def __init__(self) -> None:
        self.receipts: OrderedDict[str, dict[ReceiptKey, Receipt]] = OrderedDict()
        self.typing: OrderedDict[str, int] = OrderedDict()
        self.present: OrderedDict[int, None] = OrderedDict()


class Ephemera:
    """What the services that asked for it are told with their next transaction."""

    def __init__(
        self,
        services: Callable[[], Services],
        typing: TypingBoard,
        presence: PresenceBoard,
        clock: Clock,
    ) -> None:
        """Look on these boards at who types, and who is there."""
        self._services = services
        self._typing = typing
        self._presence = presence
        self._clock = clock
        self._seen = presence.tick
        self._tick = typing.tick
        self._news: dict[str, _News] = {}

    def note_receipts(self, interest: RoomInterest, placed: Iterable[PlacedReceipt]) -> set[str]:
        """Keep receipts for the services that hear of a room; give their ids."""
        receipts = [each.receipt for each in placed]
        told: set[str] = set()
        for service in self._wanting(interest):
            news = self._news.setdefault(service.id, _News())
            for receipt in receipts:
                if receipt.type == READ or service.has_user(receipt.user_id):
                    news.receipts.setdefault(interest.room_id, {})[receipt.key] = receipt
                    told.add(service.id)
            _bound(news.receipts)
        return told

    def moved_rooms(self) -> list[int]:
        """The rooms (nid) where who types has changed since the last call."""
        since, self._tick = self._tick, self._typing.tick
        return self._typing.rooms_changed_since(since)

    def note_typing(self, room_nid: int, interest: RoomInterest) -> set[str]:
        """Keep in mind that the typists of a room changed; give the services to be told."""
        told: set[str] = set()
        for service in self._wanting(interest):
            news = self._news.setdefault(service.id, _News())
            news.typing[interest.room_id] = room_nid
            news.typing.move_to_end(interest.room_id)
            _bound(news.typing)
            told.add(service.id)
        return told

    def rooms_of_present(self) -> dict[int, list[int]]:
        """Whose presence (nid) changed since the last call, by rooms where others may see it."""
        since, self._seen = self._seen, self._presence.tick
        if since == self._seen:
            return {}
        rooms = self._presence.rooms_changed(since, _ANY_ROOM)[:PRESENT_AT_ONCE]
        return {nid: [each.nid for each in self._presence.changed_in(nid, since)] for nid in rooms}

    def note_present(self, users: Iterable[int], interest: RoomInterest) -> set[str]:
        """Keep in mind whose presence changed in a room; give the services to be told."""
        told: set[str] = set()
        for service in self._wanting(interest):
            news = self._news.setdefault(service.id, _News())
            for user_nid in users:
                news.present[user_nid] = None
                news.present.move_to_end(user_nid)
                told.add(service.id)
            _bound(news.present)
        return told

    def take(self, service: Registration) -> list[dict[str, Any]]:
        """Give and forget what a service is to be told, as `ephemeral` has it."""
        news = self._news.pop(service.id, None)
        if news is None:
            return []
        found: list[dict[str, Any]] = []
        for room_id, nid in news.typing.items():
            found.append(_edu("m.typing", room_id, {"user_ids": self._typing.users(nid)}))
        for room_id, receipts in news.receipts.items():
            found += [
                _edu("m.receipt", room_id, content)
                for content in _contents(service, list(receipts.values()))
            ]
        for user_nid in list(news.present)[-PRESENT_AT_ONCE:]:
            person = self._presence.find(user_nid)
            if person is not None:
                content = presence_content(person, self._clock.now_ms())
                found.append({"type": "m.presence", "sender": person.user_id, "content": content})
        return found

    def _wanting(self, interest: RoomInterest) -> list[Registration]:
        return [
            each
            for each in self._services()
            if each.receive_ephemeral and each.id in interest.joined and interest.wants_all(each)
        ]


def _contents(service: Registration, receipts: Sequence[Receipt]) -> list[dict[str, Any]]:
    """Public receipts for all; private ones of the service's users, one by one."""
    public = [each for each in receipts if each.type == READ]
    contents = receipt_contents(public, reader="")
    for each in receipts:
        if each.type != READ and service.has_user(each.user_id):
            contents += receipt_contents([each], reader=each.user_id)
    return contents


def _edu(kind: str, room_id: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "room_id": room_id, "content": content}


class _AnyRoom(Collection[int]):
    """All rooms there are: for whoever asks which of them changed."""

    def __contains__(self, _room_nid: object) -> bool:
        return True

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return sys.maxsize


_ANY_ROOM: Final = _AnyRoom()


def _bound(rooms: OrderedDict[Any, Any]) -> None:
    while len(rooms) > MAX_ROOMS:
        rooms.popitem(last=False)
