"""Messages to devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from firn_client.calls.call import Call, Nothing, path

if TYPE_CHECKING:
    from collections.abc import Mapping

ADMIN = "/_firn/admin/v1"


class Fates(Struct, frozen=True):
    """What becomes of a message, by device: `online`, `stored` or `unknown`."""

    devices: dict[str, str]


def send(kind: str, txn: str, messages: Mapping[str, Mapping[str, Any]]) -> Call[Nothing]:
    """Send to devices; under the same transaction id it is sent once."""
    return Call("PUT", path("sendToDevice", kind, txn), Nothing, {"messages": messages})


def send_to_terminals(user_id: str, body: dict[str, Any]) -> Call[Fates]:
    """Send to chosen devices of a user, as one who runs the server."""
    where = path("users", user_id, "terminals", "send", root=ADMIN)
    return Call("POST", where, Fates, body)
