"""`m.room.third_party_invite`: an invitation for whoever can prove to be behind an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeserver.domain.shared.json import JsonObject

THIRD_PARTY_INVITE: Final = "m.room.third_party_invite"


class OfferedKey(NamedTuple):
    """A public key (base64) that may sign the proof; `lasts`: it is valid for ever."""

    public_key: str
    lasts: bool


def offered_keys(content: JsonObject) -> Iterator[OfferedKey]:
    """The keys of an invitation.

    One with a `key_validity_url` is valid for as long as the identity server says so there.
    """
    listed = content.get("public_keys")
    for entry in (content, *(listed if isinstance(listed, list) else ())):
        key = entry.get("public_key") if isinstance(entry, Mapping) else None
        if isinstance(key, str):
            yield OfferedKey(key, not entry.get("key_validity_url"))


def redeemed(offer: JsonObject, signed: JsonObject) -> dict[str, Any]:
    """The member event's `third_party_invite`: what proves who the invited user is."""
    return {"display_name": offer.get("display_name", ""), "signed": dict(signed)}
