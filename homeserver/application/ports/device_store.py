"""Devices of this server's users, and the logins on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.accounts.refresh import TokenFamily


@dataclass(frozen=True, slots=True)
class Device:
    """A device; times are milliseconds since the Unix epoch."""

    nid: int
    user_nid: int
    device_id: str
    display_name: str | None = None
    last_seen_ts: int | None = None
    last_seen_ip: str | None = None


class DeviceStore(Protocol):
    """Reads what was committed; writes go into a `Draft`.

    A device has at most one login, named by a number that only it ever has. Tokens belong
    to a login: they are good only as long as it is their device's.
    """

    async def list_of(self, user_nid: int) -> Sequence[Device]:
        """All devices of a user, by device id."""
        ...

    async def find(self, user_nid: int, device_id: str) -> Device | None:
        """One device."""
        ...

    def add(self, draft: Draft, device: Device) -> None:
        """Add a device without a login; conflicts where the user has one with this id."""
        ...

    def rename(self, draft: Draft, device_nid: int, display_name: str | None) -> None:
        """Set or remove the display name."""
        ...

    def see(self, draft: Draft, device_nid: int, ip: str | None) -> None:
        """Note that the device was here at the draft's time, from an address."""
        ...

    def start_login(self, draft: Draft, device_nid: int, login: int, family: TokenFamily) -> None:
        """Give a device a new login: from now on the tokens of an earlier one are bad."""
        ...

    def remove(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """Remove a device with its login and all tokens; nothing where it is gone."""
        ...

    def remove_others(self, draft: Draft, user_nid: int, but: int) -> None:
        """Remove all devices of a user but one (0: none), whenever they were added."""
        ...
