"""Sends whose answer has not left yet: a user's own syncs let it leave first.

A client shows what it sends at once, under an id of its own, and learns the event's id from the
answer. A sync that waits has less to do than the send, and would bring the event before the
answer. Clients are built for that, but not everywhere: matrix-js-sdk takes the first reply of
a thread for failed, sends it again and gives up.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from homeserver.application.requester import Requester
    from homeserver.application.rooms.compose import NewEvent, Transaction
    from homeserver.application.rooms.sending import SendsEvents

LONGEST_S = 0.1
"""A sync waits no longer than this for what is sent meanwhile."""


class _Send:
    """One send, under way in a `with` block; `answer` is there once somebody waits for it."""

    __slots__ = ("_sends", "_user_nid", "answer")

    def __init__(self, sends: dict[int, set[_Send]], user_nid: int) -> None:
        self._sends = sends
        self._user_nid = user_nid
        self.answer: asyncio.Future[None] | None = None

    def __enter__(self) -> None:
        self._sends.setdefault(self._user_nid, set()).add(self)

    def __exit__(self, *_: object) -> None:
        mine = self._sends[self._user_nid]
        mine.discard(self)
        if not mine:
            del self._sends[self._user_nid]
        if self.answer is not None:
            self.answer.set_result(None)


class Unanswered:
    """The sends of each user that this worker has not answered."""

    def __init__(self) -> None:
        """None yet."""
        self._by_user: dict[int, set[_Send]] = {}

    def sending(self, user_nid: int) -> AbstractContextManager[None]:
        """A send is under way in this block, which ends in the step that writes the answer."""
        return _Send(self._by_user, user_nid)

    def has(self, user_nid: int) -> bool:
        """Whether a user waits for the answer to a send."""
        return user_nid in self._by_user

    async def answered(self, user_nid: int) -> None:
        """Wait until the sends that are under way now are answered, or for `LONGEST_S`."""
        answers = []
        for send in self._by_user.get(user_nid, ()):
            send.answer = send.answer or asyncio.get_running_loop().create_future()
            answers.append(send.answer)
        if answers:
            await asyncio.wait(answers, timeout=LONGEST_S)


class AnsweredFirst:
    """Sends, and lets the sender's syncs know how long that takes; see `SendsEvents`."""

    def __init__(self, send: SendsEvents, unanswered: Unanswered) -> None:
        """Send by this."""
        self._send = send
        self._unanswered = unanswered

    async def __call__(
        self, requester: Requester, room_id: str, new: NewEvent, txn: Transaction, /
    ) -> str:
        """See `SendsEvents`."""
        with self._unanswered.sending(requester.user_nid):
            return await self._send(requester, room_id, new, txn)
