"""One-time keys that are handed out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.devices.one_time_keys import OneTimeKey


class Owner(NamedTuple):
    """A device whose keys are handed out."""

    user_nid: int
    device_nid: int


class Claimable(NamedTuple):
    """What a device can give: the next keys of each algorithm, first uploaded first.

    `claims` counts the batches that handed out some: who hands one out expects that number.
    """

    claims: int
    keys: Mapping[str, Sequence[OneTimeKey]]


class Fallback(NamedTuple):
    """A fallback key; `used`: it was handed out."""

    key: OneTimeKey
    used: bool


class KeyCounts(NamedTuple):
    """What the server holds for a device: unclaimed keys and unused fallback keys by algorithm."""

    one_time: Mapping[str, int]
    unused_fallback: Sequence[str]


class OneTimeKeyStore(Protocol):
    """Reads what was committed; writes go into a `Draft`."""

    async def claimable(self, owners: Collection[Owner], most: int) -> Mapping[Owner, Claimable]:
        """The next keys of devices, at most so many of each algorithm; nothing of unknown ones."""
        ...

    async def fallbacks(self, owners: Collection[Owner]) -> Mapping[Owner, Mapping[str, Fallback]]:
        """The fallback keys of devices by algorithm."""
        ...

    async def counts(self, user_nid: int) -> Mapping[int, KeyCounts]:
        """What is held for each of a user's devices, by device; of those with any."""
        ...

    def claim(self, draft: Draft, owner: Owner, claims: int, keys: Collection[OneTimeKey]) -> None:
        """Hand out keys; conflicts where others were handed out since they were read."""
        ...

    def use_fallback(self, draft: Draft, owner: Owner, key: OneTimeKey) -> None:
        """Note that a fallback key was handed out."""
        ...
