"""One room, and everything one may do in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from firn_client.calls import accounts, rooms

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from firn_client.answers import Transactions
    from firn_client.caller import Caller
    from firn_client.event import Event

PAGE = 100


class Room:
    """A handle: making one asks nobody anything.

    All methods raise MatrixError where the server refuses, and ConnectionFailedError when the
    client's patience is over. Sending is safe to be cut off: what was tried again is there once.
    """

    def __init__(self, caller: Caller, transactions: Transactions, room_id: str) -> None:
        self._call = caller
        self._transactions = transactions
        self.room_id = room_id

    async def send(self, kind: str, content: dict[str, Any], *, txn: str | None = None) -> str:
        """Send any event; returns its id. Under a `txn` used before: the id of that time."""
        call = rooms.send(self.room_id, kind, txn or self._transactions.next(), content)
        return (await self._call(call)).event_id

    async def send_message(
        self,
        body: str,
        msgtype: str = "m.text",
        *,
        reply_to: str | None = None,
        txn: str | None = None,
        **more: Any,
    ) -> str:
        """Send a message, perhaps as a reply to an event; `more` goes into its content."""
        content = {"msgtype": msgtype, "body": body, **more}
        if reply_to is not None:
            content["m.relates_to"] = {"m.in_reply_to": {"event_id": reply_to}}
        return await self.send("m.room.message", content, txn=txn)

    async def send_text(self, body: str, *, reply_to: str | None = None) -> str:
        """Say something."""
        return await self.send_message(body, reply_to=reply_to)

    async def send_emote(self, body: str) -> str:
        """Do something: "/me waves"."""
        return await self.send_message(body, "m.emote")

    async def send_notice(self, body: str, *, reply_to: str | None = None) -> str:
        """Say something that no bot answers."""
        return await self.send_message(body, "m.notice", reply_to=reply_to)

    async def redact(self, event_id: str, reason: str | None = None) -> str:
        """Take an event back; returns the id of the redaction."""
        call = rooms.redact(self.room_id, event_id, self._transactions.next(), reason)
        return (await self._call(call)).event_id

    async def state(self, kind: str, key: str = "") -> dict[str, Any]:
        """The content of one piece of state."""
        return await self._call(rooms.state(self.room_id, kind, key))

    async def set_state(self, kind: str, content: dict[str, Any], key: str = "") -> str:
        """Set one piece of state; returns the id of its event."""
        return (await self._call(rooms.set_state(self.room_id, kind, key, content))).event_id

    async def leave(self, reason: str | None = None) -> None:
        """Leave the room, or decline its invitation."""
        await self._step("leave", None, reason)

    async def forget(self) -> None:
        """Forget a room that one left."""
        await self._step("forget", None, None)

    async def invite(self, user_id: str, reason: str | None = None) -> None:
        """Ask a user in."""
        await self._step("invite", user_id, reason)

    async def kick(self, user_id: str, reason: str | None = None) -> None:
        """Put a user out."""
        await self._step("kick", user_id, reason)

    async def ban(self, user_id: str, reason: str | None = None) -> None:
        """Keep a user out."""
        await self._step("ban", user_id, reason)

    async def unban(self, user_id: str) -> None:
        """Lift a ban."""
        await self._step("unban", user_id, None)

    async def typing(self, seconds: float | None = 20.0) -> None:
        """Say that one is typing for so long; None: no longer."""
        await self._call(rooms.typing(self.room_id, self._call.user_id, seconds))

    async def read(
        self, event_id: str, *, private: bool = False, thread_id: str | None = None
    ) -> None:
        """Send a receipt: all up to this event is read."""
        kind = "m.read.private" if private else "m.read"
        await self._call(rooms.receipt(self.room_id, kind, event_id, thread_id))

    async def mark_read(self, event_id: str) -> None:
        """Set the fully-read marker and the receipt at once."""
        markers = {"m.fully_read": event_id, "m.read": event_id}
        await self._call(rooms.read_markers(self.room_id, markers))

    async def members(self, membership: str | None = "join") -> list[Event]:
        """The member events of the room, by default of those who are there."""
        found = await self._call(rooms.members(self.room_id, membership))
        return [event.placed(self.room_id) for event in found.chunk]

    async def event(self, event_id: str) -> Event:
        """One event."""
        return (await self._call(rooms.event(self.room_id, event_id))).placed(self.room_id)

    async def history(
        self, *, backwards: bool = True, start: str | None = None, to: str | None = None
    ) -> AsyncGenerator[Event, None]:
        """The events of the room from its newest back to its first, or the other way.

        `start` and `to` are tokens to begin and end at. Pages are fetched as they are needed.
        """
        token = start
        while True:
            page = await self._call(
                rooms.messages(self.room_id, start=token, to=to, backwards=backwards, limit=PAGE)
            )
            for event in page.chunk:
                yield event.placed(self.room_id)
            if page.end is None or page.end == token:
                return
            token = page.end

    async def account_data(self, kind: str) -> dict[str, Any]:
        """One's account data of the room."""
        user = self._call.user_id
        return await self._call(accounts.account_data(user, kind, self.room_id))

    async def set_account_data(self, kind: str, content: dict[str, Any]) -> None:
        """Set one's account data of the room."""
        user = self._call.user_id
        await self._call(accounts.set_account_data(user, kind, content, self.room_id))

    async def _step(self, action: str, user_id: str | None, reason: str | None) -> None:
        await self._call(rooms.step(self.room_id, action, user_id, reason))
