"""Server access control lists (client-server API, "Server Access Control Lists")."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final

from homeserver.domain.shared.glob import fold, glob
from homeserver.domain.shared.identifiers import host_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.domain.shared.json import Json, JsonObject

SERVER_ACL: Final = ("m.room.server_acl", "")


class ServerAcl:
    """The rules of one `m.room.server_acl`, compiled once; a look-up takes linear time."""

    __slots__ = ("_allows", "_denies", "_ip_literals")

    def __init__(self, content: JsonObject) -> None:
        """Read the event's content; lists and entries of other types count as absent."""
        self._allows = _any_of(content.get("allow"))
        self._denies = _any_of(content.get("deny"))
        self._ip_literals = content.get("allow_ip_literals") is not False

    def allows(self, server_name: str) -> bool:
        """Whether a server may take part in the room; its port and case do not count."""
        host = fold(host_of(server_name))
        if not self._ip_literals and _is_ip_literal(host):
            return False
        return not self._denies(host) and self._allows(host)


def _any_of(patterns: Json) -> Callable[[str], bool]:
    listed = patterns if isinstance(patterns, list) else []
    texts = {fold(pattern) for pattern in listed if isinstance(pattern, str)}
    plain = frozenset(text for text in texts if "*" not in text and "?" not in text)
    matchers = [glob(text) for text in texts - plain]
    return lambda host: host in plain or any(matches(host) for matches in matchers)


def _is_ip_literal(host: str) -> bool:
    if host.startswith("["):
        return True
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True
