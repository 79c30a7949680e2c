"""`POST /keys/signatures/upload`: signatures on devices and users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from homeserver.application.ports.tail import SIGNED
from homeserver.domain.devices.cross_signing import Usage
from homeserver.domain.devices.errors import InvalidSignatureError
from homeserver.domain.devices.signed import ED25519, is_signed_by, says_the_same, signatures_of
from homeserver.domain.shared.canonical_json import decode_object
from homeserver.domain.shared.errors import (
    BadJsonError,
    InvalidParamError,
    MatrixError,
    NotFoundError,
)
from homeserver.domain.shared.identifiers import is_user_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from homeserver.application.keys.key_news import KeyNews
    from homeserver.application.ports.device_changes import DeviceChanges
    from homeserver.application.ports.key_store import CrossSigningStore, KeyStore, PublishedKeys
    from homeserver.application.ports.users import Users
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.devices.signed import ReadKey, Signature
    from homeserver.domain.shared.json import Json

MAX_KEYS: Final = 1000
"""Signed keys of one request."""


class _Signed(NamedTuple):
    """New signatures on a device or key of a user."""

    user_id: str
    key_id: str
    signatures: Sequence[Signature]


@dataclass(frozen=True, slots=True)
class UploadSignatures:
    """Takes signatures by the requester's keys.

    The self-signing key signs the user's own devices, the devices and the user-signing key sign
    the user's own master key; the user-signing key signs other users' master keys, which nobody
    else is shown.
    """

    store: KeyStore
    signatures: CrossSigningStore
    changes: DeviceChanges
    users: Users
    news: KeyNews
    writer: Writer
    read_key: ReadKey

    async def __call__(self, requester: Requester, body: Json) -> dict[str, Any]:
        """Keep those that are right; the answer names those that are not under `failures`.

        Raises BadJsonError, InvalidParamError for a body of another shape.
        """
        wanted = _read(body)
        found = await self.store.published({requester.user_id, *wanted}, requester.user_nid)
        keys = _Keys(requester.user_id, found, self.read_key)
        good: list[_Signed] = []
        failures: dict[str, dict[str, Any]] = {}
        for user_id, key_id, value in _each(wanted):
            try:
                good.append(_Signed(user_id, key_id, keys.check(user_id, key_id, value)))
            except MatrixError as error:
                failure = {"errcode": error.errcode, "error": error.message}
                failures.setdefault(user_id, {})[key_id] = failure
        new = [each for each in good if each.signatures]
        if new:
            await self._keep(requester, new)
        return {"failures": failures}

    async def _keep(self, requester: Requester, new: Sequence[_Signed]) -> None:
        own = [each for each in new if each.user_id == requester.user_id]
        tell: Callable[[Draft], None] | None = None
        if own:
            tell = await self.news.of(requester.user_nid)
        nids = {requester.user_id: requester.user_nid}
        for user_id in {each.user_id for each in new} - nids.keys():
            nid = await self.users.nid_of(user_id, create=False)
            if nid is not None:
                nids[user_id] = nid

        def change(draft: Draft) -> None:
            me = requester.user_nid
            for user_id, key_id, signatures in new:
                for signature in signatures:
                    self.signatures.sign(draft, nids[user_id], key_id, me, signature)
            for nid in sorted(nids[user_id] for user_id in {each.user_id for each in new}):
                if nid != me:
                    self.changes.note_signed(draft, nid, me)
                    draft.touch(me, SIGNED)
            if tell is not None:
                tell(draft)

        await self.writer.submit(change)


class _Keys:
    """The requester's keys and those that are to be signed."""

    def __init__(self, user_id: str, found: PublishedKeys, read_key: ReadKey) -> None:
        self._user_id = user_id
        self._read_key = read_key
        self._own = found.cross_signing.get(user_id, {})
        self._bodies: dict[tuple[str, str], dict[str, Any]] = {}
        for device in found.devices:
            self._bodies[device.user_id, device.device_id] = decode_object(device.body)
        self._masters = {}
        for owner, keys in found.cross_signing.items():
            master = keys.get(Usage.MASTER)
            if master is not None:
                self._masters[owner] = master.public_key
                self._bodies[owner, master.public_key] = decode_object(master.body)
        self._known = {(each.user_id, each.key_id, each.signature) for each in found.signatures}

    def check(self, user_id: str, key_id: str, value: Json) -> list[Signature]:
        """The new signatures on a key. Raises MatrixError where anything is not right."""
        if not isinstance(value, dict):
            raise BadJsonError("A signed key must be an object")
        held = self._bodies.get((user_id, key_id))
        if held is None or (user_id != self._user_id and key_id != self._masters.get(user_id)):
            raise NotFoundError("There is no such key that could be signed")
        if not says_the_same(held, value):
            raise InvalidParamError("The key is another one")
        theirs = held.get("signatures", {}).get(self._user_id, {})
        new = []
        for signature in signatures_of(value):
            if signature.user_id != self._user_id or theirs.get(signature.name) == signature.text:
                continue
            self._check(user_id, key_id, value, signature)
            if (user_id, key_id, signature) not in self._known:
                new.append(signature)
        return new

    def _check(
        self, user_id: str, key_id: str, value: dict[str, Any], signature: Signature
    ) -> None:
        """Raise InvalidSignatureError unless one of the keys that may sign this made it."""
        public_key = self._signers(user_id, key_id).get(signature.name)
        if public_key is None:
            raise InvalidSignatureError("No key of the user's that may sign this")
        try:
            key = self._read_key(public_key)
        except ValueError as error:
            raise InvalidSignatureError("The signing key is not an Ed25519 key") from error
        if not is_signed_by(value, self._user_id, signature.name, key):
            raise InvalidSignatureError("The signature is not by that key")

    def _signers(self, user_id: str, key_id: str) -> Mapping[str, str]:
        """Which of the requester's keys may sign something: name → public key."""
        if user_id == self._user_id and key_id == self._masters.get(user_id):
            return self._device_keys()
        own = user_id == self._user_id
        signer = self._own.get(Usage.SELF_SIGNING if own else Usage.USER_SIGNING)
        return {} if signer is None else {signer.name: signer.public_key}

    def _device_keys(self) -> dict[str, str]:
        found = {}
        for (owner, device_id), body in self._bodies.items():
            name = ED25519 + device_id
            if owner == self._user_id and "device_id" in body and name in body["keys"]:
                found[name] = body["keys"][name]
        return found


def _read(body: Json) -> Mapping[str, Mapping[str, Any]]:
    for user_id, keys in body.items():
        if not is_user_id(user_id):
            raise InvalidParamError("Signed keys must be by user id")
        if not isinstance(keys, dict):
            raise BadJsonError("The signed keys of a user must be an object")
    if sum(map(len, body.values())) > MAX_KEYS:
        raise InvalidParamError(f"At most {MAX_KEYS} keys")
    found: Mapping[str, Mapping[str, Any]] = body
    return found


def _each(wanted: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    for user_id, keys in wanted.items():
        for key_id, value in keys.items():
            yield user_id, key_id, value
