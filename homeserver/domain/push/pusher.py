"""Pushers as clients set them (Client-Server API, `POST /pushers/set`)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from homeserver.domain.shared.errors import BadJsonError, InvalidParamError, MissingParamError

if TYPE_CHECKING:
    from collections.abc import Collection
    from urllib.parse import SplitResult

    from homeserver.domain.shared.json import JsonObject

MAX_PUSHKEY: Final = 512
"""Bytes."""
MAX_APP_ID: Final = 64
"""Characters."""
MAX_TEXT: Final = 255
"""Bytes of each other string."""
HTTP: Final = "http"
GATEWAY_PATH: Final = "/_matrix/push/v1/notify"
_TEXTS: Final = ("app_display_name", "device_display_name", "lang")


@dataclass(frozen=True, slots=True)
class PusherId:
    """What names a pusher of one user."""

    app_id: str
    pushkey: str

    @property
    def key(self) -> bytes:
        """16 bytes in its place."""
        text = f"{len(self.app_id)}\n{self.app_id}{self.pushkey}"
        return blake2b(text.encode(), digest_size=16).digest()


def parse_pusher_id(body: JsonObject) -> PusherId:
    """Read `app_id` and `pushkey`. Raises as `parse_pusher`."""
    app_id, pushkey = _text(body, "app_id"), _text(body, "pushkey")
    if len(app_id) > MAX_APP_ID:
        raise InvalidParamError(f"app_id is longer than {MAX_APP_ID} characters")
    if len(pushkey.encode()) > MAX_PUSHKEY:
        raise InvalidParamError(f"pushkey is longer than {MAX_PUSHKEY} bytes")
    return PusherId(app_id, pushkey)


def parse_kind(body: JsonObject) -> str | None:
    """Read `kind`: `http`, or None to delete. Raises as `parse_pusher`."""
    if "kind" not in body:
        raise MissingParamError("kind is missing")
    kind = body["kind"]
    if kind is not None and not isinstance(kind, str):
        raise BadJsonError("kind must be a string or null")
    if kind not in (None, HTTP):
        raise InvalidParamError("Only pushers of the kind http are supported")
    return kind


def parse_pusher(body: JsonObject, plain_hosts: Collection[str] = ()) -> dict[str, Any]:
    """Return a pusher as `GET /pushers` gives it.

    Raises MissingParamError for what is absent, BadJsonError for another type,
    InvalidParamError for what is too long or no HTTPS address of a push gateway; at
    `plain_hosts` it may be plain HTTP.
    """
    named = parse_pusher_id(body)
    pusher: dict[str, Any] = {"app_id": named.app_id, "pushkey": named.pushkey, "kind": HTTP}
    for name in _TEXTS:
        pusher[name] = _short(body, name)
    if body.get("profile_tag") is not None:
        pusher["profile_tag"] = _short(body, "profile_tag")
    data = body.get("data")
    if data is None:
        raise MissingParamError("data is missing")
    if not isinstance(data, dict):
        raise BadJsonError("data must be an object")
    _check_url(_text(data, "url"), plain_hosts)
    pusher["data"] = data
    return pusher


def _check_url(url: str, plain_hosts: Collection[str]) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidParamError("url is no address") from None
    fit = parts.scheme == "https" or (parts.scheme == "http" and host in plain_hosts)
    if not fit or not host or parts.path != GATEWAY_PATH or not _is_plain(parts):
        raise InvalidParamError(f"url must be an HTTPS address that ends in {GATEWAY_PATH}")


def _is_plain(parts: SplitResult) -> bool:
    """Whether there is nothing but a host and a path: no password, no query."""
    return not (parts.username or parts.password or parts.query or parts.fragment)


def _short(body: JsonObject, name: str) -> str:
    text = _text(body, name)
    if len(text.encode()) > MAX_TEXT:
        raise InvalidParamError(f"{name} is longer than {MAX_TEXT} bytes")
    return text


def _text(body: JsonObject, name: str) -> str:
    value = body.get(name)
    if value is None:
        raise MissingParamError(f"{name} is missing")
    if not isinstance(value, str):
        raise BadJsonError(f"{name} must be a string")
    return value
