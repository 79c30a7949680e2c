"""`POST /keys/upload`: a device publishes its keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from homeserver.application.accounts.errors import StaleError
from homeserver.application.ports.tail import COUNTS
from homeserver.domain.devices.device_keys import device_keys_body
from homeserver.domain.devices.one_time_keys import (
    MAX_KEYS,
    read_fallback_keys,
    read_one_time_keys,
)
from homeserver.domain.shared.errors import InvalidParamError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from homeserver.application.keys.key_news import KeyNews
    from homeserver.application.ports.key_store import HeldKeys, KeyStore
    from homeserver.application.ports.one_time_key_store import OneTimeKeyStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.devices.one_time_keys import OneTimeKey
    from homeserver.domain.devices.signed import ReadKey
    from homeserver.domain.shared.json import Json

ATTEMPTS = 5


class Upload(NamedTuple):
    """What a device uploads, checked; see `domain.devices`."""

    body: bytes | None
    one_time: Mapping[str, OneTimeKey]
    fallback: Mapping[str, OneTimeKey]


class _New(NamedTuple):
    """What of an upload the store has not."""

    body: bytes | None
    one_time: Sequence[OneTimeKey]
    fallback: Sequence[OneTimeKey]


@dataclass(frozen=True, slots=True)
class UploadKeys:
    """Takes identity, one-time and fallback keys of a device; what it has already is no news."""

    store: KeyStore
    counts: OneTimeKeyStore
    news: KeyNews
    writer: Writer
    read_key: ReadKey

    async def __call__(
        self, requester: Requester, device_keys: Json, one_time: Json, fallback: Json
    ) -> Mapping[str, int]:
        """Keep them; the number of unclaimed one-time keys by algorithm.

        Parts may be None. Raises BadJsonError, InvalidParamError and InvalidSignatureError for
        what is malformed, for a one-time key whose id the device has used for another key, and
        where who asks has no device.
        """
        if requester.device_id is None:
            raise InvalidParamError("Only a device has keys")
        user_id, device_id = requester.user_id, requester.device_id
        body = None
        if device_keys is not None:
            body = device_keys_body(device_keys, user_id, device_id, self.read_key)
        upload = Upload(
            body,
            read_one_time_keys(one_time) if one_time is not None else {},
            read_fallback_keys(fallback) if fallback is not None else {},
        )
        await self._keep(requester, upload)
        held = await self.counts.counts(requester.user_nid)
        found = held.get(requester.device_nid)
        return found.one_time if found is not None else {}

    async def _keep(self, requester: Requester, upload: Upload) -> None:
        """Write what is new; again where another upload of the device was faster."""
        user_nid, device_nid = requester.user_nid, requester.device_nid
        for attempt in range(ATTEMPTS):
            held = await self.store.held(user_nid, device_nid)
            new = _new_in(upload, held)
            if not any(new):
                return
            tell = None if new.body is None else await self.news.of(user_nid)
            try:
                await self.writer.submit(
                    self._change(requester, held.number + 1, new, tell), conflict=StaleError()
                )
            except StaleError:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return

    def _change(
        self,
        requester: Requester,
        number: int,
        new: _New,
        tell: Callable[[Draft], None] | None,
    ) -> Callable[[Draft], None]:
        user_nid, device_nid = requester.user_nid, requester.device_nid

        def change(draft: Draft) -> None:
            self.store.put_device(draft, user_nid, device_nid, new.body)
            if tell is not None:
                tell(draft)
            if new.one_time:
                self.store.add_one_time(draft, user_nid, device_nid, number, new.one_time)
            for key in new.fallback:
                self.store.put_fallback(draft, user_nid, device_nid, key)
            if new.one_time or new.fallback:
                draft.touch(user_nid, COUNTS)

        return change


def _new_in(upload: Upload, held: HeldKeys) -> _New:
    """What the device has not uploaded before. Raises InvalidParamError."""
    for name, key in upload.one_time.items():
        if held.one_time.get(name, key.body) != key.body:
            raise InvalidParamError(f"The device has another one-time key {name}")
    one_time = [key for name, key in upload.one_time.items() if name not in held.one_time]
    if one_time and held.unclaimed + len(one_time) > MAX_KEYS:
        raise InvalidParamError(f"A device may have {MAX_KEYS} one-time keys at most")
    return _New(
        upload.body if upload.body != held.body else None,
        one_time,
        [key for algorithm, key in upload.fallback.items() if held.fallback.get(algorithm) != key],
    )
