"""`POST /_firn/admin/v1/users/{userId}/terminals/send`: a platform's message to terminals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from homeserver.application.rooms.compose import Transaction
from homeserver.application.to_device.post import Addressed
from homeserver.domain.shared.errors import ForbiddenError, NotFoundError
from homeserver.domain.to_device.message import ALL_DEVICES, message_body

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from homeserver.application.ports.route_table import RouteTable
    from homeserver.application.ports.to_device_store import (
        Terminal,
        ToDeviceStore,
        ToDeviceTransactions,
    )
    from homeserver.application.ports.users import Users
    from homeserver.application.requester import Requester
    from homeserver.application.to_device.post import PostMessages
    from homeserver.domain.shared.json import JsonObject

ONLINE_DEVICES: Final = "online"
"""In the place of device ids: those that are connected now."""
ONLINE: Final = "online"
STORED: Final = "stored"
UNKNOWN: Final = "unknown"
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class TerminalMessage:
    """What is sent: `devices` are device ids, or all of a user, or those that are online."""

    type: str
    content: JsonObject
    txn_id: str
    devices: Collection[str] | str


@dataclass(frozen=True, slots=True)
class SendToTerminals:
    """Sends to chosen terminals of one user, and says of each what becomes of it."""

    users: Users
    store: ToDeviceStore
    transactions: ToDeviceTransactions
    routes: RouteTable
    post: PostMessages

    async def __call__(self, requester: Requester, user_id: str, message: TerminalMessage) -> bytes:
        """Return `{"devices": {id: "online" | "stored" | "unknown"}}`.

        A repeated transaction is answered as the first time. Raises ForbiddenError,
        NotFoundError for what is no user here, and as `message_body` does.
        """
        _require_power_over(requester, user_id)
        txn = Transaction.of(requester, f"POST terminals/{user_id}", message.txn_id)
        body = message_body(requester.user_id, message.type, message.content)
        if not await self.users.exists_locally(user_id):
            raise NotFoundError("No such user on this server")
        done = await self.transactions.answer_to(requester.user_nid, txn.key)
        if done is not None:
            return done
        terminals = (await self.store.terminals((user_id,))).get(user_id, ())
        online = await self._online(terminals)
        chosen = list(_chosen(terminals, message.devices, online))
        fates = {t.device_id: ONLINE if t.device_id in online else STORED for t in chosen}
        if not isinstance(message.devices, str):
            fates |= {device: UNKNOWN for device in message.devices if device not in fates}
        answer = _encode({"devices": fates})
        told = self.post.told(user_id)
        addressed = [Addressed(terminal, body, told) for terminal in chosen]
        return await self.post.write(requester.user_nid, txn.key, addressed, answer)

    async def _online(self, terminals: Iterable[Terminal]) -> set[str]:
        """The ids of those that some worker has a connection of, or had until lately."""
        by_nid = {t.device_nid: t for t in terminals}
        if not by_nid:
            return set()
        user_nid = next(iter(by_nid.values())).user_nid
        routed = await self.routes.devices_of(user_nid)
        return {by_nid[nid].device_id for nid in routed if nid in by_nid}


def _require_power_over(requester: Requester, user_id: str) -> None:
    """Only who runs the server may reach any user's terminals.

    The one gate of this use case: an application service will pass it for the users within
    its namespaces.
    """
    if not requester.is_admin:
        raise ForbiddenError(f"You may not send to the terminals of {user_id}")


def _chosen(
    terminals: Iterable[Terminal], devices: Collection[str] | str, online: Collection[str]
) -> Iterable[Terminal]:
    for terminal in terminals:
        if (
            devices == ALL_DEVICES
            or (devices == ONLINE_DEVICES and terminal.device_id in online)
            or (not isinstance(devices, str) and terminal.device_id in devices)
        ):
            yield terminal
