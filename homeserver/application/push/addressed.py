"""A stored pusher, understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from homeserver.domain.push.notification import Device

if TYPE_CHECKING:
    from homeserver.application.ports.pusher_store import StoredPusher

HTTPS: Final = 443
HTTP: Final = 80
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Addressed(NamedTuple):
    """A device, and where its gateway is: the address, and `host:port` of it."""

    device: Device
    url: str
    host: str


def addressed(pusher: StoredPusher) -> Addressed:
    """Read a pusher that was checked when it was set (`parse_pusher`)."""
    body = _decode(pusher.body)
    url = body["data"]["url"]
    parts = urlsplit(url)
    port = parts.port or (HTTPS if parts.scheme == "https" else HTTP)
    device = Device(body["app_id"], body["pushkey"], pusher.created_ts, body["data"])
    return Addressed(device, url, f"{parts.hostname}:{port}")
