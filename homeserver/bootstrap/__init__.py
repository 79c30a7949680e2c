"""The composition root: the only place that builds adapters and wires use cases to them.

What it exports is what the command line calls.
"""

from __future__ import annotations

from homeserver.bootstrap.lifecycle import serve
from homeserver.bootstrap.maintenance import add_user, backup, lock_user, migrate, restore
from homeserver.bootstrap.move import move
from homeserver.bootstrap.route_table import route_table
from homeserver.infrastructure.sql.errors import StoreError

__all__ = [
    "StoreError",
    "add_user",
    "backup",
    "lock_user",
    "migrate",
    "move",
    "restore",
    "route_table",
    "serve",
]
