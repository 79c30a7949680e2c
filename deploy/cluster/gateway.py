"""nginx in front of the workers: its settings and how it is started."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.cluster.layout import GATEWAY_ACCOUNT
from deploy.services.apt import install
from deploy.services.service import UnavailableError, program

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy.cluster.layout import Layout
    from deploy.cluster.plan import Plan

_TEMPLATE = Path(__file__).with_name("nginx.conf")
_MOST_FILES = 65_536
_SPARE_FILES = 64


def ensure_nginx(layout: Layout) -> None:
    """Install nginx where it is missing. Raises UnavailableError where it cannot be had."""
    if program("nginx") is None:
        install("nginx")
    place = layout.gateway
    if place.user is None:
        raise UnavailableError(f"there is no account {GATEWAY_ACCOUNT} to run nginx as")
    place.make_data()


def gateway_command(layout: Layout, plan: Plan) -> Sequence[str]:
    """Write nginx's settings for these workers; return the command that runs it."""
    place = layout.gateway
    place.make_data()
    text = nginx_settings(plan.gateway or 0, plan.workers.values(), place.data)
    return [
        program("nginx") or "nginx",
        "-p",
        str(place.data),
        "-c",
        str(place.put("nginx.conf", text)),
    ]


def nginx_settings(port: int, workers: Iterable[int], data: Path) -> str:
    """Return the settings of a gateway on one loopback port before workers on others."""
    files = _files()
    values = {
        "data": str(data),
        "port": str(port),
        "files": str(files),
        "connections": str(files - _SPARE_FILES),
        "workers": "\n".join(
            f"        server 127.0.0.1:{worker} max_fails=1 fail_timeout=1s;" for worker in workers
        ),
    }
    text = _TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _files() -> int:
    """How many descriptors nginx may open: what an unprivileged process may ask for."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
