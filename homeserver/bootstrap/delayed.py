"""Events that are sent later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.delayed.keep_sending import KeepSending
from homeserver.application.delayed.manage import ManageDelayed
from homeserver.application.delayed.send_delayed import SendDelayed
from homeserver.application.relations.check_relation import CheckRelation
from homeserver.bootstrap.rooms import build_schedule, build_send, build_send_state
from homeserver.infrastructure.sql.accounts import SqlAccountStore
from homeserver.infrastructure.sql.delayed_store import SqlDelayedStore
from homeserver.infrastructure.sql.roles import SqlRole
from homeserver.presentation.client.delayed_events import delayed_event_routes
from homeserver.presentation.middleware.errors import error_object

if TYPE_CHECKING:
    from homeserver.application.ports.rate_limiter import RateLimiter
    from homeserver.bootstrap.core import Core
    from homeserver.bootstrap.rooms import People
    from homeserver.presentation.routing import Route

ROLE = "delayed"


@dataclass(frozen=True, slots=True)
class DelayedParts:
    """The routes, and what sends for as long as the process runs."""

    routes: tuple[Route, ...]
    keep_sending: KeepSending


def build_delayed(core: Core, people: People, limiter: RateLimiter) -> DelayedParts:
    """Wire it; on each worker, of which one at a time sends."""
    store = SqlDelayedStore(core.database)
    send = SendDelayed(
        access=core.access,
        check=CheckRelation(core.relations, core.store, core.store),
        redact=build_send(core).redact_event,
        send_state=build_send_state(core, people),
        store=store,
        writer=core.writer,
        clock=core.clock,
        accounts=SqlAccountStore(core.database),
    )
    manage = ManageDelayed(store, send, core.writer, core.clock)
    keep_sending = KeepSending(
        role=SqlRole(core.database, ROLE, core.clock, lambda: core.writer.lease.holder),
        store=store,
        send=send,
        limiter=limiter,
        writer=core.writer,
        clock=core.clock,
        explain=error_object,
    )
    return DelayedParts(delayed_event_routes(build_schedule(core), manage), keep_sending)
