"""Sending an event that was scheduled: at most once, whoever tries."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from homeserver.application.ports.delayed_store import Outcome
from homeserver.application.ports.writer import DuplicateTransaction
from homeserver.application.rooms.aliases import CANONICAL_ALIAS
from homeserver.application.rooms.compose import NewEvent, Transaction, compose
from homeserver.application.rooms.redact_event import REDACTION
from homeserver.application.rooms.render import DELAY_ID
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.shared.errors import FinalisedError, ForbiddenError

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.account_store import AccountStore
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.delayed_store import DelayedEvent, DelayedStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.relations.check_relation import CheckRelation
    from homeserver.application.rooms.send_state import SendState
    from homeserver.application.rooms.sending import RedactsEvents
    from homeserver.application.writing.draft import Draft

_WITH_EFFECTS = (MEMBER, CANONICAL_ALIAS[0])
"""State that has use cases of its own."""


@dataclass(frozen=True, slots=True)
class SendDelayed:
    """Sends one, and notes the outcome in the same batch.

    An event has one outcome, which the store's key sees to: of several who send it and cancel it
    at once, one has its way and the others nothing.
    """

    access: RoomAccess
    check: CheckRelation
    redact: RedactsEvents
    send_state: SendState
    store: DelayedStore
    writer: Writer
    clock: Clock
    accounts: AccountStore

    async def __call__(self, event: DelayedEvent) -> str:
        """Return the event's id once it is durable.

        Raises FinalisedError where there is an outcome already, and what sending raises; it
        stays scheduled then.
        """
        await self._check_account(event)
        target = event.content.get("redacts")
        if event.state_key is None and event.type == REDACTION and isinstance(target, str):
            rest = {key: value for key, value in event.content.items() if key != "redacts"}
            event_id = await self.redact(
                event.requester, event.room_id, target, rest, _transaction(event)
            )
        elif event.state_key is not None and event.type in _WITH_EFFECTS:
            event_id = await self.send_state(
                event.requester, event.room_id, event.type, event.state_key, dict(event.content)
            )
        else:
            return await self._send(event)
        await self.finish(event, Outcome(self.clock.now_ms(), event_id))
        return event_id

    async def _check_account(self, event: DelayedEvent) -> None:
        """Who may no longer act may not by what was scheduled before either."""
        account = await self.accounts.find(event.requester.user_id)
        if account is not None and (account.locked or account.deactivated):
            raise ForbiddenError("This account was locked or deactivated")

    async def finish(self, event: DelayedEvent, outcome: Outcome) -> None:
        """Note what became of an event that nothing is sent for. Raises FinalisedError."""
        done = FinalisedError("This event was sent or cancelled already")

        def change(draft: Draft) -> None:
            self.store.finish(draft, event, outcome)

        await self.writer.submit(change, conflict=done)

    async def _send(self, event: DelayedEvent) -> str:
        room = await self.access.for_sending(event.requester, event.room_id)
        new = NewEvent(event.type, dict(event.content), event.state_key)
        txn = _transaction(event)
        if new.state_key is None:
            await self.check(event.requester, room, new, txn)
        done = FinalisedError("This event was sent or cancelled already")

        def change(draft: Draft) -> str:
            sent = compose(draft, room, event.requester, new, txn).event
            self.store.finish(draft, event, Outcome(draft.now, sent.event_id))
            return sent.event_id

        try:
            return await self.writer.submit(change, conflict=done, txn_keys=((room.nid, txn.key),))
        except DuplicateTransaction:
            raise done from None


def _transaction(event: DelayedEvent) -> Transaction:
    """What makes it one event, and tells its sender's device of which delay it is."""
    key = blake2b(f"delayed\n{event.delay_id}".encode(), digest_size=16).digest()
    return Transaction(event.requester.device_nid, DELAY_ID + event.delay_id, key)
