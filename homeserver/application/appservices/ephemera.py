"""Typing and receipts for services (AS API, "Pushing ephemeral data"): in memory, bounded.

They are worth nothing late, so a service that is away hears of the newest ones alone, and what
a worker had when it died is lost.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.receipts.receipts import READ, receipt_contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from homeserver.application.typing.board import TypingBoard
    from homeserver.domain.appservices.interest import RoomInterest
    from homeserver.domain.appservices.registration import Registration
    from homeserver.domain.appservices.services import Services
    from homeserver.domain.receipts.placed import PlacedReceipt
    from homeserver.domain.receipts.receipts import Receipt, ReceiptKey

MAX_ROOMS: Final = 1_000
"""Rooms of which a service has news at once; the oldest are dropped."""


class _News:
    """What one service has not been told yet."""

    def __init__(self) -> None:
        self.receipts: OrderedDict[str, dict[ReceiptKey, Receipt]] = OrderedDict()
        self.typing: OrderedDict[str, int] = OrderedDict()


class Ephemera:
    """What the services that asked for it are told with their next transaction."""

    def __init__(self, services: Callable[[], Services], typing: TypingBoard) -> None:
        """Look at who types on this board."""
        self._services = services
        self._typing = typing
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


def _bound(rooms: OrderedDict[str, Any]) -> None:
    while len(rooms) > MAX_ROOMS:
        rooms.popitem(last=False)
