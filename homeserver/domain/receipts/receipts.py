"""Receipts: what replaces what, and what a reader gets (Client-Server API, "Receipts")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from homeserver.domain.shared.errors import InvalidParamError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeserver.domain.shared.json import Json
    from homeserver.domain.sync.position import RoomPosition

READ: Final = "m.read"
READ_PRIVATE: Final = "m.read.private"
# A marker in the room's account data, not a receipt; the same endpoint takes it.
FULLY_READ: Final = "m.fully_read"
RECEIPT_TYPES: Final = (READ, READ_PRIVATE, FULLY_READ)

MAIN_THREAD: Final = "main"

ReceiptKey = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A user has read up to an event.

    `thread_id` is None (unthreaded), `main`, or the event id of a thread's root. `position`
    is the event's place in the room, `ts` when the receipt was made, in milliseconds.
    """

    user_id: str
    type: str
    event_id: str
    position: RoomPosition
    ts: int
    thread_id: str | None = None

    @property
    def key(self) -> ReceiptKey:
        """What there is one receipt of: user, type and thread."""
        return self.user_id, self.type, self.thread_id

    def replaces(self, stored: Receipt | None) -> bool:
        """Whether this takes the place of the stored receipt of the same key.

        Receipts only go forward; one for the same event is no news.
        """
        return stored is None or self.position > stored.position


def check_receipt_type(receipt_type: str) -> None:
    """Refuse with `InvalidParamError` a type that the receipt endpoint does not take."""
    if receipt_type not in RECEIPT_TYPES:
        allowed = ", ".join(RECEIPT_TYPES)
        raise InvalidParamError(f"Receipt type must be one of {allowed}")


def parse_thread_id(thread_id: Json, receipt_type: str) -> str | None:
    """Check a request's `thread_id`, where it has one; `InvalidParamError` as the spec says."""
    if not isinstance(thread_id, str) or not thread_id:
        raise InvalidParamError("thread_id field must be a non-empty string")
    if receipt_type == FULLY_READ:
        raise InvalidParamError("m.fully_read has no thread_id")
    if thread_id != MAIN_THREAD and not thread_id.startswith("$"):
        raise InvalidParamError("thread_id must be main or an event id")
    return thread_id


def check_thread_of_event(thread_id: str | None, event_id: str, event_thread: str) -> None:
    """Refuse a receipt for an event outside its thread.

    `event_thread` is the thread that the event belongs to: its root's id, or `main`. A root
    belongs to the main timeline, but is related to its own thread, so both may name it.
    """
    if thread_id is not None and thread_id not in (event_thread, event_id):
        raise InvalidParamError("The event is not in this thread")


def receipt_contents(receipts: Iterable[Receipt], reader: str) -> list[dict[str, Any]]:
    """Build the contents of the `m.receipt` events that `reader` gets for one room.

    One event for each thread, since one user may have several receipts on one event. Private
    receipts go to nobody but their own user.
    """
    seen = (each for each in receipts if each.type == READ or each.user_id == reader)
    contents: dict[str | None, dict[str, Any]] = {}
    for receipt in seen:
        content = contents.setdefault(receipt.thread_id, {})
        users = content.setdefault(receipt.event_id, {}).setdefault(receipt.type, {})
        users[receipt.user_id] = _data(receipt)
    return list(contents.values())


def federated_contents(room_id: str, receipts: Iterable[Receipt]) -> list[dict[str, Any]]:
    """Build the contents of the `m.receipt` EDUs for other servers: public receipts alone.

    One EDU for each thread, because an EDU has one entry for each user.
    """
    threads: dict[str | None, dict[str, Any]] = {}
    for receipt in receipts:
        if receipt.type == READ:
            entry = {"event_ids": [receipt.event_id], "data": _data(receipt)}
            threads.setdefault(receipt.thread_id, {})[receipt.user_id] = entry
    return [{room_id: {READ: users}} for users in threads.values()]


def _data(receipt: Receipt) -> dict[str, Any]:
    if receipt.thread_id is None:
        return {"ts": receipt.ts}
    return {"ts": receipt.ts, "thread_id": receipt.thread_id}
