"""A bridge-like bot made with mautrix: it follows invitations and answers through a ghost.

What is sent to its device it answers to the device that the message names.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mautrix.api import Method, Path
from mautrix.appservice import AppService
from mautrix.appservice.state_store import FileASStateStore
from mautrix.types import EventType, Membership, UserID

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.bridge import Bridge

LONG_AGO = 1_234_567_890_123


class MautrixBridge:
    """Repeats what people say to it, in the name of its ghost and with a time of its own."""

    def __init__(self, bridge: Bridge, base: str, domain: str) -> None:
        """Be the service that `bridge` describes, at a server's address."""
        self.bridge = bridge
        self.ghost_id = UserID(f"@_irc_echo:{domain}")
        self.heard: list[tuple[str, str]] = []
        self.told: list[Any] = []
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
            ephemeral_events=True,
            encryption_events=True,
        )
        self.service.synchronous_handlers = True
        self.service.matrix_event_handler(self._handle)
        self.service.to_device_handler = self._take
        self._handle_transaction = self.service.handle_transaction
        self._begun: dict[str, asyncio.Future[Any]] = {}
        self.service.handle_transaction = self._once  # type: ignore[method-assign]

    async def start(self) -> None:
        """Listen, and be pinged."""
        await self.service.start("127.0.0.1", self.bridge.port)
        await self.service.intent.ensure_registered()

    async def stop(self) -> None:
        """Listen no more."""
        await self.service.stop()

    async def add_device(self, device_id: str) -> None:
        """Give the bot a device, as bridges do that encrypt (MSC4190)."""
        path = Path.v3.devices[device_id]
        await self.service.intent.api.request(Method.PUT, path, {})

    async def _once(self, txn_id: str, **parts: Any) -> Any:
        """Handle a transaction once, also where it comes again before that is done.

        mautrix knows only those that are done: its replies wait for a server that starts anew.
        """
        if txn_id not in self._begun:
            handling = self._handle_transaction(txn_id, **parts)
            self._begun[txn_id] = asyncio.ensure_future(handling)
        return await asyncio.shield(self._begun[txn_id])

    async def _take(self, message: Any) -> None:
        await self._watched(self._reply, message)

    async def _handle(self, event: Any) -> None:
        await self._watched(self._answer, event)

    async def _watched(self, work: Callable[[Any], Awaitable[None]], news: Any) -> None:
        try:
            await work(news)
        except Exception as error:  # mautrix would log it alone
            self.problems.append(error)
            raise
        finally:
            self._news.set()
            self._news = asyncio.Event()

    async def _reply(self, message: Any) -> None:
        self.told.append(message)
        back = message.content["reply_to"]
        content = {"heard": message.content["n"], "device": message.to_device_id}
        path = Path.v3.sendToDevice["test.reply"][f"reply-{message.content['n']}"]
        body = {"messages": {message.sender: {back: content}}}
        await self.service.intent.api.request(Method.PUT, path, body)

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
