"""`DeviceStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from homeserver.application.ports.device_store import Device
from homeserver.infrastructure.sql import account_writes as w
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.accounts.refresh import TokenFamily
    from homeserver.infrastructure.sql.database import Database
    from homeserver.infrastructure.sql.writes import Row

_d = t.device.c
_of_user = select(
    *(_d.nid, _d.user_nid, _d.device_id, _d.display_name, _d.last_seen_ts, _d.last_seen_ip)
).where(_d.user_nid == bindparam("user"))
_LIST = Query(_of_user.order_by(_d.device_id))
_FIND = Query(_of_user.where(_d.device_id == bindparam("device")))


class SqlDeviceStore:
    """See `DeviceStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def list_of(self, user_nid: int) -> Sequence[Device]:
        """See `DeviceStore.list_of`."""
        return [_device(row) for row in await self._db.fetch(_LIST, user=user_nid)]

    async def find(self, user_nid: int, device_id: str) -> Device | None:
        """See `DeviceStore.find`."""
        rows = await self._db.fetch(_FIND, user=user_nid, device=device_id.encode())
        return _device(rows[0]) if rows else None

    def add(self, draft: Draft, device: Device) -> None:
        """See `DeviceStore.add`."""
        row = (
            device.nid,
            device.user_nid,
            device.device_id.encode(),
            _octets(device.display_name),
            draft.now,
            device.last_seen_ts,
            _octets(device.last_seen_ip),
            *(None, 0, 0, 0),
            draft.slot,
            draft.next_pos(),
            0,
        )
        draft.write(w.INSERT_DEVICE, row)

    def rename(self, draft: Draft, device_nid: int, display_name: str | None) -> None:
        """See `DeviceStore.rename`."""
        row = (device_nid, _octets(display_name), draft.slot, draft.next_pos())
        draft.write(w.RENAME_DEVICE, row)

    def see(self, draft: Draft, device_nid: int, ip: str | None) -> None:
        """See `DeviceStore.see`."""
        draft.write(w.SEE_DEVICE, (device_nid, draft.now, _octets(ip)))

    def start_login(self, draft: Draft, device_nid: int, login: int, family: TokenFamily) -> None:
        """See `DeviceStore.start_login`."""
        row = (device_nid, login, family.issued, family.used, family.first_open)
        draft.write(w.START_LOGIN, row)

    def remove(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """See `DeviceStore.remove`."""
        draft.write(w.DELETE_DEVICE, (device_nid,))
        draft.write(w.DELETE_ACCESS_TOKENS, (user_nid, device_nid))
        draft.write(w.DELETE_REFRESH_TOKENS, (user_nid, device_nid))

    def remove_others(self, draft: Draft, user_nid: int, but: int) -> None:
        """See `DeviceStore.remove_others`."""
        for write in (
            w.DELETE_OTHER_DEVICES,
            w.DELETE_OTHER_ACCESS_TOKENS,
            w.DELETE_OTHER_REFRESH_TOKENS,
        ):
            draft.write(write, (user_nid, but))


def _device(row: Row) -> Device:
    nid, user_nid, device_id, name, seen_ts, seen_ip = row
    return Device(nid, user_nid, device_id.decode(), _text(name), seen_ts, _text(seen_ip))


def _octets(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _text(octets: bytes | None) -> str | None:
    return None if octets is None else octets.decode()
