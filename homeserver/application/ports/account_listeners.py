"""What the other parts of the server do when an account changes; the root plugs them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft


class ProfileListener(Protocol):
    """Told after a display name or avatar has changed."""

    async def __call__(
        self, requester: Requester, displayname: str | None, avatar_url: str | None
    ) -> None:
        """Bring the user's member events up to date; may be told the same twice."""
        ...


class DeactivationListener(Protocol):
    """Told after an account was deactivated."""

    async def __call__(self, requester: Requester) -> None:
        """Take the user out of every room; may be told the same twice."""
        ...


class DeviceListener(Protocol):
    """Told in the batch that removes devices."""

    def removed(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """Add the writes that remove what belongs to the device (keys, inbox)."""
        ...

    def others_removed(self, draft: Draft, user_nid: int, but: int) -> None:
        """The same for all devices of a user but one (0: none), whenever they were added."""
        ...


class KeyedDevices(Protocol):
    """Asked before a batch that removes devices, because others want to hear of their keys."""

    async def without(
        self, user_nid: int, device_nids: Iterable[int]
    ) -> Callable[[Draft], None] | None:
        """What tells in that batch that keys went; None where these devices have none."""
        ...

    async def without_user(self, user_nid: int) -> Callable[[Draft], None] | None:
        """What removes the user's own keys, those of no device; None where there are none."""
        ...


class SessionListener(Protocol):
    """Told when tokens of a user may have ended, whatever ended them and on whatever worker."""

    def __call__(self, user_nid: int) -> None:
        """Look at the user's open sockets; may be told without anything having ended."""
        ...
