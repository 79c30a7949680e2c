"""An event at its place in a room's log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event


class TimelineEvent:
    """An event with its position, and what this server knows about it beside the PDU.

    `(seq, back)` is the place in the room, `(slot, pos)` in its writer's log.
    `notify_ord` counts the notifying events of the room up to and including this one.
    `replaced` is the state event that this one replaced. `state_ref` is the group of the state
    after it; None means the room's line here. `txn_device` and `txn_id` name
    the local device and transaction that sent it. `client` caches the serialised client
    form without per-device parts; `redacted_because` is the redaction that stripped it.
    """

    __slots__ = (
        "back",
        "client",
        "event",
        "notifies",
        "notify_ord",
        "pos",
        "redacted_because",
        "replaced",
        "sender_nid",
        "seq",
        "slot",
        "state_ref",
        "txn_device",
        "txn_id",
        "txn_key",
    )

    def __init__(
        self,
        event: Event,
        *,
        seq: int,
        slot: int,
        pos: int,
        sender_nid: int,
        notify_ord: int,
        back: int = 0,
        notifies: bool = False,
        replaced: Event | None = None,
        txn_device: int | None = None,
        txn_id: str | None = None,
        txn_key: bytes | None = None,
        redacted_because: Event | None = None,
        state_ref: int | None = None,
    ) -> None:
        """Place an event."""
        self.event = event
        self.seq = seq
        self.back = back
        self.slot = slot
        self.pos = pos
        self.sender_nid = sender_nid
        self.notify_ord = notify_ord
        self.notifies = notifies
        self.replaced = replaced
        self.txn_device = txn_device
        self.txn_id = txn_id
        self.txn_key = txn_key
        self.redacted_because = redacted_because
        self.state_ref = state_ref
        self.client: bytes | None = None
