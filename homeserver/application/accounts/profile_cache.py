"""Profiles of lately seen users, kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeserver.application.ports.profile_store import Profile, ProfileStore
    from homeserver.application.writing.draft import Draft

MAX_CACHED = 50_000


class ProfileCache:
    """A `ProfileStore` in front of another: this worker's changes are seen at once.

    `forget` drops what another worker changed. A profile read while it changed is not kept
    if its revision is older than the one held.
    """

    def __init__(self, store: ProfileStore, max_cached: int = MAX_CACHED) -> None:
        """Keep up to `max_cached` profiles."""
        self._store = store
        self._max = max_cached
        self._held: OrderedDict[int, Profile] = OrderedDict()
        self._forgotten = 0

    async def find(self, user_nid: int) -> Profile:
        """See `ProfileStore.find`."""
        held = self._held.get(user_nid)
        if held is not None:
            return held
        before = self._forgotten
        profile = await self._store.find(user_nid)
        if self._forgotten != before:  # perhaps this one, after it was read
            return profile
        return self._keep(user_nid, profile)

    def put(self, draft: Draft, user_nid: int, profile: Profile) -> None:
        """See `ProfileStore.put`; memory follows once it is durable."""
        self._store.put(draft, user_nid, profile)
        draft.on_commit(lambda: self._follow(user_nid, profile))

    def forget(self, user_nid: int) -> None:
        """Read this profile anew when it is asked for next."""
        self._forgotten += 1
        self._held.pop(user_nid, None)

    def _follow(self, user_nid: int, profile: Profile) -> None:
        self._keep(user_nid, profile)

    def _keep(self, user_nid: int, profile: Profile) -> Profile:
        held = self._held.get(user_nid)
        if held is None or held.rev < profile.rev:
            self._held[user_nid] = held = profile
            if len(self._held) > self._max:
                self._held.popitem(last=False)
        return held
