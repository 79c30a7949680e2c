"""`POST /keys/device_signing/upload`: a user publishes cross-signing keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeserver.domain.devices.cross_signing import (
    Usage,
    check_signed_by_master,
    read_cross_signing_key,
)
from homeserver.domain.shared.canonical_json import decode_object
from homeserver.domain.shared.errors import ForbiddenError, MissingParamError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from homeserver.application.accounts.confirm_identity import ConfirmIdentity
    from homeserver.application.accounts.interactive_auth import UiaCall
    from homeserver.application.keys.key_news import KeyNews
    from homeserver.application.ports.device_store import DeviceStore
    from homeserver.application.ports.key_store import CrossSigningStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.devices.cross_signing import CrossSigningKey
    from homeserver.domain.devices.signed import ReadKey
    from homeserver.domain.shared.json import JsonObject

Keys = dict[Usage, "CrossSigningKey"]


@dataclass(frozen=True, slots=True)
class UploadCrossSigning:
    """Sets the requester's cross-signing keys.

    The first set is free; to replace a key takes user-interactive authentication. Application
    services need not show anything.
    """

    confirm: ConfirmIdentity
    store: CrossSigningStore
    devices: DeviceStore
    news: KeyNews
    writer: Writer
    read_key: ReadKey

    async def __call__(
        self, requester: Requester, body: JsonObject, call: UiaCall, client: str
    ) -> None:
        """Set what the body has. What is there already may be uploaded again, without effect.

        Raises BadJsonError, InvalidParamError, MissingParamError without a master key,
        InvalidSignatureError, ForbiddenError for a key that is also one of the user's device
        ids, and as `ConfirmIdentity` does.
        """
        held = await self.store.cross_signing(requester.user_nid)
        given = self._read(requester, body, held)
        new = [key for usage, key in given.items() if not _same(held.get(usage), key)]
        if not new:
            return
        names = {device.device_id for device in await self.devices.list_of(requester.user_nid)}
        if any(key.public_key in names for key in new):
            raise ForbiddenError("Key ID in use")
        spend = None
        if Usage.MASTER in held and requester.appservice is None:
            spend = await self.confirm(requester, call, client)
        ended = list(_ended(held, given))
        tell = await self.news.of(requester.user_nid)

        def change(draft: Draft) -> None:
            if spend is not None:
                spend(draft)
            for key in ended:
                self.store.drop_cross_signing(draft, requester.user_nid, key)
            for key in new:
                self.store.put_cross_signing(draft, requester.user_nid, key)
            tell(draft)

        await self.writer.submit(change)

    def _read(
        self, requester: Requester, body: JsonObject, held: Mapping[Usage, CrossSigningKey]
    ) -> Keys:
        """The keys of a body, the master key first, checked with the signatures due."""
        given: Keys = {}
        for usage in Usage:
            value: Any = body.get(usage.field)
            if value is None:
                continue
            key = read_cross_signing_key(value, usage, requester.user_id, self.read_key)
            if usage is not Usage.MASTER:
                master = given.get(Usage.MASTER) or held.get(Usage.MASTER)
                if master is None:
                    raise MissingParamError("There is no master key")
                check_signed_by_master(value, requester.user_id, master, self.read_key)
            given[usage] = key
        if not given and Usage.MASTER not in held:
            raise MissingParamError("master_key is missing")
        return given


def _same(held: CrossSigningKey | None, key: CrossSigningKey) -> bool:
    """Whether a key is there already; its signatures may have been left out."""
    if held is None or held.public_key != key.public_key:
        return False
    if held.body == key.body:
        return True
    one, other = decode_object(held.body), decode_object(key.body)
    return {**one, "signatures": None} == {**other, "signatures": None}


def _ended(held: Mapping[Usage, CrossSigningKey], given: Keys) -> Iterable[CrossSigningKey]:
    """The keys that end: those replaced, and with the master key what it had signed."""
    master = given.get(Usage.MASTER)
    afresh = master is not None and not _same(held.get(Usage.MASTER), master)
    for usage, key in held.items():
        new = given.get(usage)
        if (new is None and afresh) or (new is not None and new.public_key != key.public_key):
            yield key
