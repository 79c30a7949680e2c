"""Strategies for JSON values and events."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from homeserver.domain.rooms.versions import ROOM_VERSIONS

versions = st.sampled_from(list(ROOM_VERSIONS.values()))

# st.text() never makes surrogates; keys that redaction knows come up often enough to matter.
_PROTECTED = [
    "allow",
    "ban",
    "creator",
    "history_visibility",
    "invite",
    "join_authorised_via_users_server",
    "join_rule",
    "membership",
    "redacts",
    "signed",
    "third_party_invite",
    "users",
]
keys = st.text(max_size=12) | st.sampled_from(_PROTECTED)
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=40)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(keys, values, max_size=6)

_EVENT_TYPES = [
    "m.room.create",
    "m.room.history_visibility",
    "m.room.join_rules",
    "m.room.member",
    "m.room.message",
    "m.room.power_levels",
    "m.room.redaction",
]
event_types = st.sampled_from(_EVENT_TYPES) | st.text(max_size=60)
event_ids = st.text("ABCDEFabcdef0189-_", min_size=42, max_size=42).map(lambda s: f"${s}A")


@st.composite
def build_arguments(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the arguments of `build_event` for one version."""
    version = draw(versions)
    event_type = draw(event_types)
    is_redaction = event_type == "m.room.redaction"
    hash_room = version.room_id_is_create_hash
    return {
        "version": version,
        "room_id": "!" + "A" * 43 if hash_room else "!room:example.org",
        "sender": draw(st.sampled_from(["@alice:example.org", "@é b:[::1]:80", "@:x"])),
        "type": event_type,
        "state_key": draw(st.none() | st.text(max_size=60)),
        "content": draw(objects),
        "origin_server_ts": draw(st.integers(0, 2**53 - 1)),
        "depth": draw(st.integers(0, 2**53 - 1)),
        "auth_events": draw(st.lists(event_ids, max_size=10)),
        "prev_events": draw(st.lists(event_ids, max_size=20)),
        "redacts": draw(st.none() | event_ids) if is_redaction else None,
    }
