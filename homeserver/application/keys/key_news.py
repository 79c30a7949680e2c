"""Telling that a user's keys changed."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from homeserver.application.ports.device_changes import Audience
from homeserver.application.ports.tail import KEYS
from homeserver.domain.shared.errors import MatrixError, OutageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.keys.board import KeyBoard
    from homeserver.application.ports.device_changes import DeviceChanges
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft

NOBODY = Audience("", frozenset())
log = logging.getLogger(__name__)


class KeyNews:
    """Notes changes of keys in the batches that make them.

    Whom a change concerns is read before its batch. A room that the user comes to share with
    others between the two would be missing: its members heard of the user and may have asked
    for keys already, for the old ones. So it is read once more when the batch is durable, and
    where a room is new the change is told again. Nobody waits for that.
    """

    def __init__(self, changes: DeviceChanges, board: KeyBoard, writer: Writer) -> None:
        """Begin with nothing to look at again."""
        self._changes = changes
        self._board = board
        self._writer = writer
        self._told: dict[int, Audience] = {}
        self._task: asyncio.Task[None] | None = None

    async def of(self, user_nid: int) -> Callable[[Draft], None]:
        """Find out whom a change of a user's keys concerns; what it returns tells them."""
        found = await self._changes.audience([user_nid])
        audience = found.get(user_nid, NOBODY)

        def tell(draft: Draft) -> None:
            self._changes.note(draft, user_nid)
            draft.touch(user_nid, KEYS)
            draft.on_commit(lambda: self._has_told(user_nid, audience))

        return tell

    async def settle(self) -> None:
        """Wait until every change was looked at again."""
        if self._task is not None:
            await self._task

    def _has_told(self, user_nid: int, audience: Audience) -> None:
        self._board.expect(user_nid, audience)
        self._told[user_nid] = audience
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_again(), name="key news")

    async def _look_again(self) -> None:
        while self._told:
            told, self._told = self._told, {}
            try:
                now = await self._changes.audience(told)
                for user_nid, audience in now.items():
                    if audience.rooms - told[user_nid].rooms:
                        await self._writer.submit(await self.of(user_nid))
            except (MatrixError, OutageError) as error:
                log.warning("key_news.not_looked_at_again: %s", error)
