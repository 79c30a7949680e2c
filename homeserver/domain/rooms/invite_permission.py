"""Whose invitations a user wants (client-server API, "Invite permission"; MSC4380, MSC4155)."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, TypeGuard

from homeserver.domain.shared.glob import fold, glob
from homeserver.domain.shared.identifiers import domain_of, host_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.domain.shared.json import Json, JsonObject

CONFIG: Final = "m.invite_permission_config"
UNSTABLE_CONFIG: Final = "org.matrix.msc4380.invite_permission_config"
FILTERS: Final = "org.matrix.msc4155.invite_permission_config"
CONFIGS: Final = (CONFIG, UNSTABLE_CONFIG, FILTERS)
"""The types of account data that decide."""


MAX_GLOBS: Final = 500
"""Patterns of one user's lists that are tried; plain ids and names all count."""


class Wish(enum.Enum):
    """What becomes of an invitation; an ignored one is sent, and its target never told."""

    ALLOW = "allow"
    IGNORE = "ignore"
    BLOCK = "block"


_LISTS: Final = (
    ("allowed_users", Wish.ALLOW, True),
    ("ignored_users", Wish.IGNORE, True),
    ("blocked_users", Wish.BLOCK, True),
    ("allowed_servers", Wish.ALLOW, False),
    ("ignored_servers", Wish.IGNORE, False),
    ("blocked_servers", Wish.BLOCK, False),
)
"""The lists of MSC4155, the first that names the inviter decides."""


def wish_about(inviter: str, configs: Mapping[str, Json], *, ignored: bool = False) -> Wish:
    """What a user with these contents of `CONFIGS` wants of an inviter's invitations.

    `ignored`: the inviter is on the user's `m.ignored_user_list`. Who blocks all blocks them too
    ("MUST respond"); the lists of MSC4155 are looked at after that one.
    """
    for kind in (CONFIG, UNSTABLE_CONFIG):
        content = configs.get(kind)
        if isinstance(content, dict) and content.get("default_action") == "block":
            return Wish.BLOCK
    if ignored:
        return Wish.IGNORE
    filters = configs.get(FILTERS)
    if not isinstance(filters, dict) or not _is_valid(filters):
        return Wish.ALLOW
    return _by_lists(inviter, filters) if filters.get("enabled", True) else Wish.ALLOW


def _is_valid(filters: JsonObject) -> bool:
    """Whether it has the form that MSC4155 demands; one wrong value makes all of it invalid."""
    if not isinstance(filters.get("enabled", True), bool):
        return False
    return all(_is_strings(filters[name]) for name, _, _ in _LISTS if name in filters)


def _is_strings(value: Json) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _by_lists(inviter: str, filters: JsonObject) -> Wish:
    server, globs_left = host_of(domain_of(inviter)), MAX_GLOBS
    for name, wish, is_of_users in _LISTS:
        patterns = filters.get(name, [])
        if not _is_strings(patterns):
            continue
        value = fold(inviter if is_of_users else server)
        if any(fold(pattern) == value for pattern in patterns):
            return wish
        globs = [p for p in patterns if "*" in p or "?" in p][:globs_left]
        if any(glob(pattern)(value) for pattern in globs):
            return wish
        globs_left -= len(globs)
    return Wish.ALLOW
