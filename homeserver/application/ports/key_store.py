"""Keys of devices and of users, as the store keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.devices.cross_signing import CrossSigningKey, Usage
    from homeserver.domain.devices.one_time_keys import OneTimeKey
    from homeserver.domain.devices.signed import Signature


class HeldKeys(NamedTuple):
    """What a device has uploaded: the body of its identity keys (None: it has none yet).

    `one_time` are its one-time keys by name, those that were handed out lately too, `unclaimed`
    the number of the others; `number` counts its uploads; `fallback` is by algorithm.
    """

    body: bytes | None
    number: int
    unclaimed: int
    one_time: Mapping[str, bytes]
    fallback: Mapping[str, OneTimeKey]


class PublishedDevice(NamedTuple):
    """A device with identity keys."""

    user_id: str
    device_id: str
    display_name: str | None
    body: bytes


class PublishedSignature(NamedTuple):
    """A signature that came after its key: on a device id or a public key of a user."""

    user_id: str
    key_id: str
    signature: Signature


class PublishedKeys(NamedTuple):
    """All that somebody may see of the keys of some users; `users` are those that there are."""

    users: Collection[str]
    devices: Sequence[PublishedDevice]
    cross_signing: Mapping[str, Mapping[Usage, CrossSigningKey]]
    signatures: Sequence[PublishedSignature]


class KeyStore(Protocol):
    """Keys of devices. Reads what was committed; writes go into a `Draft`."""

    async def held(self, user_nid: int, device_nid: int) -> HeldKeys:
        """What a device has."""
        ...

    async def published(self, user_ids: Collection[str], asker_nid: int) -> PublishedKeys:
        """The keys of these users, with the signatures by them and by who asks.

        The users' own keys for signing others are among them: who asks must not see those.
        """
        ...

    async def with_keys(self, user_nid: int) -> Collection[int]:
        """The user's devices that have identity keys."""
        ...

    def put_device(self, draft: Draft, user_nid: int, device_nid: int, body: bytes | None) -> None:
        """Set a device's identity keys; None leaves them as they are."""
        ...

    def add_one_time(
        self, draft: Draft, user_nid: int, device_nid: int, number: int, keys: Iterable[OneTimeKey]
    ) -> None:
        """Add the one-time keys of an upload; conflicts where one of them is there.

        Keys that were handed out are forgotten but for those of the upload before.
        """
        ...

    def put_fallback(self, draft: Draft, user_nid: int, device_nid: int, key: OneTimeKey) -> None:
        """Set the unused fallback key of an algorithm."""
        ...

    def remove(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """Remove all keys of a device."""
        ...

    def remove_others(self, draft: Draft, user_nid: int, but: int) -> None:
        """Remove all keys of a user's devices but one (0: none)."""
        ...


class CrossSigningStore(Protocol):
    """The same for the keys of users, and for signatures."""

    async def cross_signing(self, user_nid: int) -> Mapping[Usage, CrossSigningKey]:
        """A user's cross-signing keys."""
        ...

    def put_cross_signing(self, draft: Draft, user_nid: int, key: CrossSigningKey) -> None:
        """Set one of a user's cross-signing keys."""
        ...

    def drop_cross_signing(self, draft: Draft, user_nid: int, key: CrossSigningKey) -> None:
        """Remove a key that has ended, with the signatures on it and the user's own by it."""
        ...

    def sign(
        self, draft: Draft, user_nid: int, key_id: str, signer_nid: int, signature: Signature
    ) -> None:
        """Add or replace a signature on a device id or a public key."""
        ...
