"""`GET /notifications`: what a user was notified of, in all rooms, newest first."""

from __future__ import annotations

import heapq
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from homeserver.application.push.invitation import Invitation
from homeserver.application.push.notified_rooms import Judge, Mark, NotifiedRoom
from homeserver.application.rooms.invitees import wish_of
from homeserver.application.sync.ignored import ignored_by
from homeserver.application.user_data.account_data import PUSH_RULES
from homeserver.domain.push.room_rules import UserRules
from homeserver.domain.push.ruleset import compile_ruleset
from homeserver.domain.rooms.invite_permission import Wish
from homeserver.domain.rooms.membership import INVITE, JOIN
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.shared.errors import InvalidParamError

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.membership_store import MembershipStore
    from homeserver.application.push.moments import PushStore
    from homeserver.application.requester import Requester
    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.sync.unread import UnreadCounts
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.application.user_data.items import UserData
    from homeserver.domain.push.actions import Actions
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent

MAX_SCAN: Final = 2000
"""Events that one page looks at; a page that finds little is short and has a next one."""
_TOKEN: Final = re.compile(r"n1_([0-9]{1,18})_([0-9]{1,19})_([0-9]{1,18})", re.ASCII)
_decode = msgspec.json.Decoder(dict[str, dict[str, object]]).decode


class Notification(NamedTuple):
    """An event that notified; `membership` is the reader's at the event."""

    room_id: str
    item: TimelineEvent
    actions: Actions
    read: bool
    membership: str


class Notifications(NamedTuple):
    """A page, and where the next one begins: None at the end."""

    found: list[Notification]
    next: Mark | None


def encode_mark(mark: Mark) -> str:
    """Write a place in the list as a token."""
    return f"n1_{mark.ts}_{mark.room_nid}_{mark.seq}"


def decode_mark(text: str) -> Mark:
    """Read a token. Raises InvalidParamError."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        raise InvalidParamError("Malformed token")
    return Mark(int(found[1]), int(found[2]), int(found[3]))


class ListNotifications:
    """Makes the list from the logs and the rules of now: nothing is kept for it.

    It goes as far back in each joined room as unread counts do, and has the invitations that wait.
    """

    def __init__(
        self,
        *,
        access: RoomAccess,
        memberships: MembershipStore,
        store: PushStore,
        data: AccountData,
        unread: UnreadCounts,
    ) -> None:
        """Read from these."""
        self._access = access
        self._memberships = memberships
        self._store = store
        self._data = data
        self._unread = unread

    async def __call__(
        self, requester: Requester, before: Mark | None, limit: int, *, highlights: bool
    ) -> Notifications:
        """At most `limit` notifications before a mark, only highlights where that is wanted."""
        there = [room for room in await self._rooms(requester) if await room.go_on(before)]
        heap = [(_newest_first(room.mark), room) for room in there]
        heapq.heapify(heap)
        found: list[Notification] = []
        scanned = 0
        while heap:
            room = heap[0][1]
            notification = _judged(room)
            if notification and (notification.actions.highlight or not highlights):
                found.append(notification)
            mark, scanned = room.mark, scanned + 1
            if await room.go_on(before):
                heapq.heapreplace(heap, (_newest_first(room.mark), room))
            else:
                heapq.heappop(heap)
            if heap and (len(found) == limit or scanned == MAX_SCAN):
                return Notifications(found, mark)
        return Notifications(found, None)

    async def _rooms(self, requester: Requester) -> list[NotifiedRoom | Invitation]:
        data = await self._data.of(requester.user_nid)
        ruleset = _decode(data.items[PUSH_RULES].content_json).get("global", {})
        rules, user = compile_ruleset(ruleset), UserRules(data.user_id, ruleset)
        ignored, rooms = ignored_by(data), []
        for place in await self._memberships.places(requester.user_nid):
            if place.membership not in (JOIN, INVITE):
                continue
            room = await self._access.by_nid(requester, place.room_nid, place.membership)
            if room is None:
                continue
            lines = user.of_room(room.room_id).lines
            if lines:
                judge = Judge(rules, lines, ignored)
                rooms.append(await self._room(data, room, place, judge))
        return [room for room in rooms if room is not None]

    async def _room(
        self, data: UserData, room: Room, place: RoomPlace, judge: Judge
    ) -> NotifiedRoom | Invitation | None:
        """A room to look at, None for one whose invitation is kept from the reader."""
        window = await self._access.window(room, data.user_id)
        if place.membership == INVITE:
            inviter = room.state[MEMBER, data.user_id].sender
            if wish_of(data, inviter) is not Wish.ALLOW:
                return None
            return Invitation(self._store, room, data.user_id, window, judge, place)
        read = await self._unread.read_up_to(room, data.user_id, data.user_nid, place)
        return NotifiedRoom(self._store, room, data.user_id, window, judge, read.seq)


def _newest_first(mark: Mark) -> tuple[int, int, int]:
    return -mark.ts, -mark.room_nid, -mark.seq


def _judged(room: NotifiedRoom | Invitation) -> Notification | None:
    moment = room.moment
    actions = room.judge.actions(moment) if moment is not None else None
    if moment is None or actions is None:
        return None
    item = moment.item
    return Notification(
        room.room.room_id,
        item,
        actions,
        item.seq <= room.read,
        room.window.membership_at(item.seq),
    )
