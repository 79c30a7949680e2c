"""Looking at delayed events, and what their owners do with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.ports.delayed_store import Outcome
from homeserver.domain.shared.errors import FinalisedError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.delayed.send_delayed import SendDelayed
    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.delayed_store import DelayedEvent, DelayedStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.requester import Requester
    from homeserver.application.writing.draft import Draft


@dataclass(frozen=True, slots=True)
class ManageDelayed:
    """Everything is of the user who scheduled it; others find nothing."""

    store: DelayedStore
    send_delayed: SendDelayed
    writer: Writer
    clock: Clock

    async def find(
        self, requester: Requester, delay_id: str
    ) -> tuple[DelayedEvent, Outcome | None]:
        """One event and its outcome. Raises NotFoundError."""
        found = await self.store.find(delay_id)
        if found is None or found[0].requester.user_nid != requester.user_nid:
            raise NotFoundError("There is no such delayed event")
        return found

    async def scheduled(self, requester: Requester) -> Sequence[DelayedEvent]:
        """All that are not sent or cancelled yet, in the order in which they are due."""
        return await self.store.scheduled(requester.user_nid)

    async def send(self, requester: Requester, delay_id: str) -> None:
        """Send now; where that fails it stays scheduled. Raises what sending raises."""
        event, outcome = await self.find(requester, delay_id)
        if outcome is None:
            try:
                await self.send_delayed(event)
            except FinalisedError:
                event, outcome = await self.find(requester, delay_id)
        if outcome is not None and outcome.event_id is None:
            raise FinalisedError("This event was cancelled")

    async def cancel(self, requester: Requester, delay_id: str) -> None:
        """Never send it."""
        event, outcome = await self.find(requester, delay_id)
        if outcome is None:
            try:
                await self.send_delayed.finish(event, Outcome(self.clock.now_ms()))
            except FinalisedError:
                event, outcome = await self.find(requester, delay_id)
        if outcome is not None and outcome.event_id is not None:
            raise FinalisedError("This event was sent")

    async def restart(self, requester: Requester, delay_id: str) -> None:
        """Count its delay from now on."""
        event, outcome = await self.find(requester, delay_id)
        if outcome is not None:
            raise FinalisedError("This event was sent or cancelled")
        now = self.clock.now_ms()

        def change(draft: Draft) -> None:
            self.store.restart(draft, event, now)

        await self.writer.submit(change)
