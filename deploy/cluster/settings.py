"""The settings of a cluster's workers: one file that they share, two variables for each."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, NamedTuple

from deploy.cluster.plan import url_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.cluster.layout import Layout
    from deploy.cluster.plan import Plan

_SETTINGS = """\
# Written by `make cluster` anew each time; variables FIRN__… of its environment go before it.
# `firn --config <this file> user add alice` works on the cluster's database.
trusted_proxies = ["127.0.0.1"]
public_url = {public_url}
data_dir = {data_dir}

[database]
url = {database}

[redis]
url = {redis}

[rocketmq]
namesrv = {rocketmq}

[cluster]
key = {key}
"""
# What makes the cluster is not to be replaced by what is set for another server.
_OURS = ("DATABASE__", "REDIS__", "ROCKETMQ__", "CLUSTER__", "WORKER__", "DATA_DIR", "LISTEN")


class Stores(NamedTuple):
    """What workers share, as the settings name it."""

    database: str
    redis: str
    rocketmq: str


def write_settings(layout: Layout, plan: Plan, stores: Stores) -> None:
    """Write the settings file; the cluster's key is made once and kept."""
    place = layout.supervisor
    key = place.read("key") or secrets.token_urlsafe(32)
    place.write("key", key)
    place.data.mkdir(mode=0o700, exist_ok=True)
    values = {
        "public_url": url_of(plan.gateway) if plan.gateway is not None else "",
        "data_dir": str(place.data),
        "key": key,
        **stores._asdict(),
    }
    layout.settings.touch(mode=0o600)
    layout.settings.write_text(
        # a JSON string is a TOML string too
        _SETTINGS.format_map({name: json.dumps(value) for name, value in values.items()}),
        encoding="utf-8",
    )


def shared_environ(layout: Layout, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of all processes: as ours, with the cluster's settings file."""
    ours = tuple("FIRN__" + name for name in _OURS)
    kept = {name: value for name, value in environ.items() if not name.startswith(ours)}
    return {**kept, "FIRN_CONFIG": str(layout.settings)}


def worker_environ(name: str, port: int) -> dict[str, str]:
    """Return what a worker has for itself."""
    return {"FIRN__WORKER__NAME": name, "FIRN__LISTEN": f"127.0.0.1:{port}"}
