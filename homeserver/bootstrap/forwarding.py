"""Writes to crowded rooms go to one worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.delivery.frames import OUTCOMES, WRITES
from homeserver.application.forwarding.crowded import CrowdedRooms, Guests
from homeserver.application.forwarding.desk import WriteDesk
from homeserver.application.forwarding.forwarded import ForwardedRedact, ForwardedSend
from homeserver.application.forwarding.forwarder import Forwarder
from homeserver.application.forwarding.peers import Peers
from homeserver.bootstrap.delivery import write_link_of
from homeserver.infrastructure.telemetry.bus import count_forwarded
from homeserver.presentation.client.send import SendMessage

if TYPE_CHECKING:
    from homeserver.application.ports.authenticator import SessionCheck
    from homeserver.bootstrap.core import Core
    from homeserver.bootstrap.delivery import Cluster


def build_forwarding(
    core: Core, cluster: Cluster, here: SendMessage, sessions: SessionCheck
) -> SendMessage:
    """Take other workers' writes, and hand ours over; `here` does them on this worker."""
    link = write_link_of(core, cluster)
    guests, crowded = Guests(core.clock), CrowdedRooms(core.clock)
    desk = WriteDesk(
        link=link,
        send=here.send_event,
        redact=here.redact_event,
        sessions=sessions,
        guests=guests,
        clock=core.clock,
        draining=lambda: core.hub.draining,
        figure=count_forwarded,
    )
    cluster.kinds[WRITES] = desk.receive
    if not core.settings.current.cluster.forward_writes:
        return here
    forwarder = Forwarder(link, Peers(core.clock), crowded, guests, count_forwarded)
    cluster.kinds[OUTCOMES] = forwarder.receive
    core.writer.on_clash = lambda room: crowded.note(room.room_id)
    return SendMessage(
        ForwardedSend(forwarder, here.send_event, core.hub.unanswered),
        ForwardedRedact(forwarder, here.redact_event),
    )
