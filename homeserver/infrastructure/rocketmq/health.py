"""What `firn doctor` asks of the bus."""

from __future__ import annotations

import asyncio

from homeserver.infrastructure.rocketmq import native
from homeserver.infrastructure.rocketmq.admin import Admin


class UnhealthyBusError(Exception):
    """The bus cannot be used; the text says why."""


async def bus_health(namesrv: str) -> str:
    """Return a line about the library and the brokers; raises UnhealthyBusError."""
    return await asyncio.to_thread(_examine, namesrv)


def _examine(namesrv: str) -> str:
    try:
        native.load()
    except native.NoLibraryError as error:
        raise UnhealthyBusError(str(error)) from error
    try:
        brokers = Admin(namesrv).brokers()
    except (OSError, ValueError) as error:
        raise UnhealthyBusError(f"name server {namesrv}: {error}") from error
    if not brokers:
        raise UnhealthyBusError(f"name server {namesrv} knows no broker")
    return f"{native.library()}, broker at {', '.join(brokers)}"
