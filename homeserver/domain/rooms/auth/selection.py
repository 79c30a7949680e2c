"""Which state an event must cite as its proof (server-server API, "Auth events selection")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeserver.domain.rooms.auth.state import StateKey
    from homeserver.domain.rooms.versions import RoomVersion
    from homeserver.domain.shared.json import JsonObject


def auth_types_for(
    version: RoomVersion,
    event_type: str,
    state_key: str | None,
    sender: str,
    content: JsonObject,
) -> tuple[StateKey, ...]:
    """Return the (type, state key) pairs of the state to cite, each once.

    In version 12 the create event is never among them: the room id stands for it.
    """
    if event_type == "m.room.create":
        return ()
    selected: list[StateKey] = [("m.room.power_levels", ""), ("m.room.member", sender)]
    if not version.room_id_is_create_hash:
        selected.insert(0, ("m.room.create", ""))
    if event_type == "m.room.member" and state_key is not None:
        selected += _for_member(version, state_key, content)
    return tuple(dict.fromkeys(selected))


def _for_member(version: RoomVersion, target: str, content: JsonObject) -> list[StateKey]:
    selected: list[StateKey] = [("m.room.member", target)]
    membership = content.get("membership")
    if membership in ("join", "invite", "knock"):  # a tuple: content may be unhashable
        selected.append(("m.room.join_rules", ""))
    if membership == "invite" and (token := _invite_token(content)) is not None:
        selected.append(("m.room.third_party_invite", token))
    authoriser = content.get("join_authorised_via_users_server")
    if membership == "join" and version.restricted_joins and isinstance(authoriser, str):
        selected.append(("m.room.member", authoriser))
    return selected


def _invite_token(content: JsonObject) -> str | None:
    invite = content.get("third_party_invite")
    signed = invite.get("signed") if isinstance(invite, Mapping) else None
    token = signed.get("token") if isinstance(signed, Mapping) else None
    return token if isinstance(token, str) else None
