"""`KeyStore` and `CrossSigningStore` on SQL."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, or_, select

from homeserver.application.ports.key_store import (
    HeldKeys,
    PublishedDevice,
    PublishedKeys,
    PublishedSignature,
)
from homeserver.domain.devices.cross_signing import CrossSigningKey, Usage
from homeserver.domain.devices.one_time_keys import OneTimeKey
from homeserver.domain.devices.signed import Signature
from homeserver.infrastructure.sql import key_tables as kt
from homeserver.infrastructure.sql import key_writes as w
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query, padded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy import BindParameter, Select

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database
    from homeserver.infrastructure.sql.writes import Row

TOGETHER: Final = 256
"""Users whose keys one statement reads."""
_k, _o, _f = kt.device_key.c, kt.one_time_key.c, kt.fallback_key.c
_c, _s, _d, _u = kt.cross_signing_key.c, kt.key_signature.c, t.device.c, t.matrix_user.c
_signer = t.matrix_user.alias("signer")


def _of_device(query: Select[Any], user: Any, device: Any) -> Query:
    return Query(query.where(user == bindparam("user"), device == bindparam("device")))


_BODY = _of_device(select(_k.body), _k.user_nid, _k.device_nid)
_ONE_TIME = _of_device(
    select(_o.algorithm, _o.key_id, _o.number, _o.claimed, _o.body), _o.user_nid, _o.device_nid
)
_FALLBACK = _of_device(select(_f.algorithm, _f.key_id, _f.body), _f.user_nid, _f.device_nid)
_WITH_KEYS = Query(
    select(_k.device_nid).where(_k.user_nid == bindparam("user"), _k.body.is_not(None))
)
_CROSS_SIGNING = Query(
    select(_c.key_usage, _c.public_key, _c.body).where(_c.user_nid == bindparam("user"))
)


def _names(count: int) -> list[BindParameter[Any]]:
    return [bindparam(f"u{i}") for i in range(count)]


_published = kt.device_key.join(t.device, and_(_d.nid == _k.device_nid, _k.body.is_not(None)))


@cache
def _devices(count: int) -> Query:
    return Query(
        select(_u.user_id, _d.device_id, _d.display_name, _k.body)
        .select_from(t.matrix_user.outerjoin(_published, _k.user_nid == _u.nid))
        .where(_u.user_id.in_(_names(count)))
        .order_by(_u.user_id, _d.device_id)
    )


@cache
def _keys_of_users(count: int) -> Query:
    return Query(
        select(_u.user_id, _c.key_usage, _c.public_key, _c.body)
        .select_from(t.matrix_user.join(kt.cross_signing_key, _c.user_nid == _u.nid))
        .where(_u.user_id.in_(_names(count)))
    )


@cache
def _signatures(count: int) -> Query:
    return Query(
        select(_u.user_id, _s.key_id, _signer.c.user_id, _s.signer_key, _s.signature)
        .select_from(
            t.matrix_user.join(kt.key_signature, _s.user_nid == _u.nid).join(
                _signer, _signer.c.nid == _s.signer_nid
            )
        )
        .where(
            _u.user_id.in_(_names(count)),
            or_(_s.signer_nid == _s.user_nid, _s.signer_nid == bindparam("asker")),
        )
    )


class SqlKeyStore:
    """See `KeyStore` and `CrossSigningStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def held(self, user_nid: int, device_nid: int) -> HeldKeys:
        """See `KeyStore.held`."""
        at = {"user": user_nid, "device": device_nid}
        async with self._db.snapshot() as reader:
            bodies = await reader.fetch(_BODY, **at)
            one_time = await reader.fetch(_ONE_TIME, **at)
            fallback = [_key(row) for row in await reader.fetch(_FALLBACK, **at)]
        return HeldKeys(
            bytes(bodies[0][0]) if bodies and bodies[0][0] is not None else None,
            max((number for _, _, number, _, _ in one_time), default=0),
            sum(not claimed for _, _, _, claimed, _ in one_time),
            {f"{kind.decode()}:{key.decode()}": bytes(body) for kind, key, _, _, body in one_time},
            {key.algorithm: key for key in fallback},
        )

    async def published(self, user_ids: Collection[str], asker_nid: int) -> PublishedKeys:
        """See `KeyStore.published`."""
        known: set[str] = set()
        devices: list[PublishedDevice] = []
        users: dict[str, dict[Usage, CrossSigningKey]] = {}
        signatures: list[PublishedSignature] = []
        wanted = [user_id.encode() for user_id in user_ids]
        async with self._db.snapshot() as reader:
            for at in range(0, len(wanted), TOGETHER):
                some = padded(wanted[at : at + TOGETHER])
                params = {f"u{i}": user_id for i, user_id in enumerate(some)}
                rows = await reader.fetch(_devices(len(some)), **params)
                known |= {user_id.decode() for user_id, _, _, _ in rows}
                devices += [_device(row) for row in rows if row[1] is not None]
                for user_id, *row in await reader.fetch(_keys_of_users(len(some)), **params):
                    key = _cross_signing(tuple(row))
                    users.setdefault(user_id.decode(), {})[key.usage] = key
                rows = await reader.fetch(_signatures(len(some)), asker=asker_nid, **params)
                signatures += map(_signature, rows)
        return PublishedKeys(known, devices, users, signatures)

    async def with_keys(self, user_nid: int) -> Collection[int]:
        """See `KeyStore.with_keys`."""
        return [device for (device,) in await self._db.fetch(_WITH_KEYS, user=user_nid)]

    async def cross_signing(self, user_nid: int) -> Mapping[Usage, CrossSigningKey]:
        """See `CrossSigningStore.cross_signing`."""
        rows = await self._db.fetch(_CROSS_SIGNING, user=user_nid)
        return {key.usage: key for key in map(_cross_signing, rows)}

    def put_device(self, draft: Draft, user_nid: int, device_nid: int, body: bytes | None) -> None:
        """See `KeyStore.put_device`."""
        kind = w.KEEP_DEVICE if body is None else w.PUT_DEVICE
        draft.write(kind, (user_nid, device_nid, body, 0))

    def add_one_time(
        self, draft: Draft, user_nid: int, device_nid: int, number: int, keys: Iterable[OneTimeKey]
    ) -> None:
        """See `KeyStore.add_one_time`."""
        for key in keys:
            name = (key.algorithm.encode(), key.key_id.encode())
            draft.write(w.INSERT_ONE_TIME, (user_nid, device_nid, *name, number, 0, key.body))
        draft.write(w.FORGET_CLAIMED, (user_nid, device_nid, number - 1))

    def put_fallback(self, draft: Draft, user_nid: int, device_nid: int, key: OneTimeKey) -> None:
        """See `KeyStore.put_fallback`."""
        name = (key.algorithm.encode(), key.key_id.encode())
        draft.write(w.PUT_FALLBACK, (user_nid, device_nid, *name, 0, key.body))

    def put_cross_signing(self, draft: Draft, user_nid: int, key: CrossSigningKey) -> None:
        """See `CrossSigningStore.put_cross_signing`."""
        row = (user_nid, key.usage.value.encode(), key.public_key.encode(), key.body)
        draft.write(w.PUT_CROSS_SIGNING, row)

    def drop_cross_signing(self, draft: Draft, user_nid: int, key: CrossSigningKey) -> None:
        """See `CrossSigningStore.drop_cross_signing`."""
        public_key = key.public_key.encode()
        draft.write(w.DELETE_CROSS_SIGNING, (user_nid, key.usage.value.encode(), public_key))
        draft.write(w.DELETE_SIGNATURES_ON, (user_nid, public_key))
        draft.write(w.DELETE_SIGNATURES_BY, (user_nid, key.name.encode()))

    def sign(
        self, draft: Draft, user_nid: int, key_id: str, signer_nid: int, signature: Signature
    ) -> None:
        """See `CrossSigningStore.sign`."""
        name, text = signature.name.encode(), signature.text.encode()
        draft.write(w.PUT_SIGNATURE, (user_nid, key_id.encode(), signer_nid, name, text))

    def remove(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """See `KeyStore.remove`."""
        for kind in (w.DELETE_SIGNATURES_OF_DEVICE, *w.DELETE_OF_DEVICE):
            draft.write(kind, (user_nid, device_nid))

    def remove_others(self, draft: Draft, user_nid: int, but: int) -> None:
        """See `KeyStore.remove_others`."""
        for kind in (w.DELETE_SIGNATURES_OF_OTHERS, *w.DELETE_OF_OTHERS):
            draft.write(kind, (user_nid, but))


def _device(row: Row) -> PublishedDevice:
    user_id, device_id, name, body = row
    text = None if name is None else name.decode()
    return PublishedDevice(user_id.decode(), device_id.decode(), text, bytes(body))


def _signature(row: Row) -> PublishedSignature:
    user_id, key_id, signer, name, text = row
    signature = Signature(signer.decode(), name.decode(), text.decode())
    return PublishedSignature(user_id.decode(), key_id.decode(), signature)


def _key(row: Row) -> OneTimeKey:
    algorithm, key_id, body = row
    return OneTimeKey(algorithm.decode(), key_id.decode(), bytes(body))


def _cross_signing(row: Row) -> CrossSigningKey:
    usage, public_key, body = row
    return CrossSigningKey(Usage(usage.decode()), public_key.decode(), bytes(body))
