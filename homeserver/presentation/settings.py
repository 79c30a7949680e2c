"""What can be set about HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network  # noqa: TC003 (decoders resolve the fields)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Limits and times of the HTTP server; times in seconds, sizes in bytes.

    `max_body` bounds a JSON body, compressed and not. A whole JSON body must come within
    `body_seconds`; a streamed one may not pause for longer. A client that takes nothing of a
    response for `send_stall_seconds` is cut off. `trusted_proxies` are the peers whose
    `X-Forwarded-For` is believed. On stop, kept connections stay open for `linger_seconds`
    (what they bring is answered with `Connection: close`) and requests in flight have
    `drain_seconds` to finish.
    """

    max_body: int = 2 * 1024 * 1024
    body_seconds: float = 30.0
    send_stall_seconds: float = 30.0
    keepalive_seconds: float = 3600.0
    linger_seconds: float = 0.5
    drain_seconds: float = 20.0
    backlog: int = 4096
    max_request_line: int = 64 * 1024
    max_header: int = 16 * 1024
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
