"""Pushers as the store keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class StoredPusher:
    """A pusher: its owner, the device that set it last, and its JSON; `key` names it."""

    user_nid: int
    key: bytes
    device_nid: int
    created_ts: int
    body: bytes


class PusherStore(Protocol):
    """Reads what was committed; writes go into a `Draft`."""

    async def of_user(self, user_nid: int) -> Sequence[StoredPusher]:
        """A user's pushers, oldest first."""
        ...

    def put(self, draft: Draft, pusher: StoredPusher) -> None:
        """Add a pusher, or replace the user's one of the same key; that stays as old as it is."""
        ...

    def delete(self, draft: Draft, user_nid: int, key: bytes) -> None:
        """Take one away, where it is there."""
        ...

    def delete_of_others(self, draft: Draft, user_nid: int, key: bytes) -> None:
        """Take it away from all users but this one."""
        ...

    def delete_of_device(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """Take away what a device set."""
        ...

    def delete_of_other_devices(self, draft: Draft, user_nid: int, but: int) -> None:
        """Take away what all devices of a user but one set."""
        ...
