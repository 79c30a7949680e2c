"""What the parts of one /sync answer share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from homeserver.application.sync.ignored import NOBODY
from homeserver.domain.presence.presence import ONLINE

if TYPE_CHECKING:
    from homeserver.application.requester import Requester
    from homeserver.application.sync.device_lists import KeyGap
    from homeserver.application.sync.feed import Feed
    from homeserver.application.sync.rules import Rules
    from homeserver.domain.sync.filter import Filter
    from homeserver.domain.sync.vector import Vector

STATE = b"state"
STATE_AFTER = b"state_after"
UNSTABLE_STATE_AFTER = b"org.matrix.msc4222.state_after"
STATE_NAMES = (STATE, STATE_AFTER, UNSTABLE_STATE_AFTER)


class SyncRequest(NamedTuple):
    """A client's request; `timeout_ms` is how long to wait for something new.

    `state_name` is the form of state that the client understands: `state` is what held before
    the timeline, the others what holds after it (MSC4222, v1.16). `confirms`: who asks has all
    that came with `since`; a socket goes on from a token that may still be on its way.
    `presence` is `set_presence`.
    """

    since: str | None
    filter: Filter
    full_state: bool = False
    timeout_ms: int = 0
    state_name: bytes = STATE
    confirms: bool = True
    presence: str = ONLINE

    @property
    def state_after(self) -> bool:
        """Whether state is that at the end of the timeline."""
        return self.state_name != STATE


@dataclass(slots=True)
class Span:
    """What an answer covers: after `since` (None: everything), up to `until`.

    `typing_since` is the tick of the typing board that the client has seen (None: send all
    that is), `typing_until` the one that it has then. `tick` is the worker's count of batches
    up to which the client has everything, None where only the store can tell what changed
    since; `worker_tick` the same for what the worker hears of everybody, not only of this user;
    `until_tick` is that of `until`, `key_gap` whose keys changed where the worker cannot tell.
    `ignored` are the users whose
    messages and invites the requester does not want; `recount`: they or the push rules changed, so
    that all unread counts may be others. `inbox_since` is the number of the last
    message to the device that the client has, `inbox_until` that which it has then.
    `presence_since` is the tick of the presence board up to which the client has heard (None:
    nothing), `presence_until` that of this answer; they differ where its turn has come.
    `user_changed`: the user's own data may have changed. `now_ms` is when the answer is made.
    """

    requester: Requester
    request: SyncRequest
    rules: Rules
    feed: Feed
    since: Vector | None
    until: Vector
    typing_since: int | None
    typing_until: int
    tick: int | None
    user_changed: bool
    now_ms: int
    worker_tick: int | None = None
    until_tick: int = 0
    key_gap: KeyGap | None = None
    inbox_since: int = 0
    inbox_until: int = 0
    presence_since: int | None = None
    presence_until: int | None = None
    ignored: frozenset[str] = NOBODY
    recount: bool = False

    @property
    def initial(self) -> bool:
        """Whether the client knows nothing yet."""
        return self.since is None

    def is_new(self, slot: int, pos: int) -> bool:
        """Whether a change lies within this answer."""
        return (self.since is None or not self.since.covers(slot, pos)) and self.until.covers(
            slot, pos
        )

    def is_new_or_later(self, slot: int, pos: int) -> bool:
        """Whether a change lies after `since`, be it within this answer or not."""
        return self.since is None or not self.since.covers(slot, pos)
