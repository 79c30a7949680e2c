"""A bridge-like bot made with mautrix: it follows invitations and answers through a ghost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mautrix.appservice import AppService
from mautrix.appservice.state_store import FileASStateStore
from mautrix.types import EventType, Membership, UserID

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.bridge import Bridge

LONG_AGO = 1_234_567_890_123


class MautrixBridge:
    """Repeats what people say to it, in the name of its ghost and with a time of its own."""

    def __init__(self, bridge: Bridge, base: str, domain: str) -> None:
        """Be the service that `bridge` describes, at a server's address."""
        self.bridge = bridge
        self.ghost_id = UserID(f"@_irc_echo:{domain}")
        self.heard: list[tuple[str, str]] = []
        self.problems: list[Exception] = []
        self._news = asyncio.Event()
        state = FileASStateStore(path=str(bridge.folder / "mx-state.json"), binary=False)
        self.service = AppService(
            server=base,
            domain=domain,
            as_token=bridge.as_token,
            hs_token=bridge.hs_token,
            bot_localpart=f"_{bridge.name}_bot",
            id=bridge.name,
            state_store=state,
            default_http_retry_count=5,
        )
        self.service.synchronous_handlers = True
        self.service.matrix_event_handler(self._handle)

    async def start(self) -> None:
        """Listen, and be pinged."""
        await self.service.start("127.0.0.1", self.bridge.port)
        await self.service.intent.ensure_registered()

    async def stop(self) -> None:
        """Listen no more."""
        await self.service.stop()

    async def _handle(self, event: Any) -> None:
        try:
            await self._answer(event)
        except Exception as error:  # mautrix would log it alone
            self.problems.append(error)
            raise
        finally:
            self._news.set()
            self._news = asyncio.Event()

    async def _answer(self, event: Any) -> None:
        bot, ghost = self.service.intent, self.service.intent.user(self.ghost_id)
        if event.type == EventType.ROOM_MEMBER:
            invited = event.content.membership == Membership.INVITE
            if invited and event.state_key == bot.mxid:
                await bot.join_room(event.room_id)
                await ghost.ensure_joined(event.room_id, bot=bot)
        elif event.type == EventType.ROOM_MESSAGE:
            self.heard.append((event.sender, event.content.body))
            if event.sender not in {bot.mxid, self.ghost_id}:
                text = f"echo {event.content.body}"
                await ghost.send_text(event.room_id, text, timestamp=LONG_AGO)

    async def until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Wait until something holds of what it heard."""
        async with asyncio.timeout(seconds):
            while not holds() and not self.problems:
                await self._news.wait()
        assert not self.problems, self.problems
