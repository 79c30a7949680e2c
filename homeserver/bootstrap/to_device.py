"""Messages to devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.to_device.forget_transactions import ForgetTransactions
from homeserver.application.to_device.post import PostMessages
from homeserver.application.to_device.send_to_device import SendToDevice
from homeserver.application.to_device.send_to_terminals import SendToTerminals
from homeserver.infrastructure.sql.to_device_store import SqlToDeviceStore
from homeserver.presentation.admin.terminals import terminal_routes
from homeserver.presentation.client.to_device import to_device_routes

if TYPE_CHECKING:
    from homeserver.application.ports.route_table import RouteTable
    from homeserver.application.ports.users import Users
    from homeserver.bootstrap.core import Core
    from homeserver.presentation.routing import Route


@dataclass(frozen=True, slots=True)
class ToDeviceParts:
    """The routes, and what the process does for them now and then."""

    routes: tuple[Route, ...]
    forget_transactions: ForgetTransactions


def build_to_device(core: Core, users: Users, online: RouteTable) -> ToDeviceParts:
    """Sending to devices, for users and for platforms; `online` knows who is connected."""
    store = SqlToDeviceStore(core.database)
    post = PostMessages(store, store, core.writer, lambda: core.settings.services)
    routes = (
        *to_device_routes(SendToDevice(post)),
        *terminal_routes(SendToTerminals(users, store, store, online, post)),
    )
    return ToDeviceParts(routes, ForgetTransactions(store, core.writer))
