"""Messages to devices in a service's transactions (MSC4203)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeserver.application.ports.service_log import InboxMark
from homeserver.domain.shared.canonical_json import decode_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.service_log import Copied
    from homeserver.domain.appservices.registration import Registration

NAMES: Final = ("to_device", "de.sorunome.msc2409.to_device")
"""The proposal's key and its unstable one: bridges read the one or the other."""


def shown_messages(copies: Sequence[Copied]) -> dict[str, Any]:
    """The members of a transaction that hold these messages; none for none."""
    if not copies:
        return {}
    shown = [
        {**decode_object(each.body), "to_user_id": each.user_id, "to_device_id": each.device_id}
        for each in copies
    ]
    return dict.fromkeys(NAMES, shown)


def own_inboxes(service: Registration, copies: Sequence[Copied]) -> tuple[InboxMark, ...]:
    """The messages that leave their inboxes with this: those to users nobody else may use.

    One by one: what came before the service wanted messages was never sent to it.
    """
    return tuple(
        InboxMark(each.user_nid, each.device_nid, each.inbox_seq)
        for each in copies
        if service.claims_user(each.user_id)
    )
