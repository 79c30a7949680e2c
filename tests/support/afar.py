"""A recorded room whose events reach a running town from other servers, through any worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.application.rooms.put_out_guests import PutOutGuests
from homeserver.application.rooms.receive_events import ReceiveEvents
from homeserver.domain.rooms.room import Room
from homeserver.infrastructure.sql.branch_store import SqlBranchStore
from homeserver.infrastructure.sql.guests import SqlGuestStore
from tests.support.dags import RecordedRoom, load_dag

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from tests.support.cluster import ClusterTown
    from tests.support.syncing import Phone, SyncTown


class RoomFromAfar:
    """The room of a file of `tests/golden/dags`; its `observer` has a device in the town."""

    def __init__(self, town: SyncTown | ClusterTown, dag: RecordedRoom, observer: Phone) -> None:
        """Begin with a room that is in the store and has no event."""
        self._town = town
        self.dag = dag
        self.observer = observer
        self.room_id = next(iter({event.room_id for event in dag.events.values()}))

    @classmethod
    async def open(cls, town: SyncTown | ClusterTown, name: str) -> RoomFromAfar:
        """Make the room's place, and the observer."""
        dag = load_dag(name)
        observer = await town.phone(dag.observer)
        afar = cls(town, dag, observer)
        core, user = town.core, town.requester(observer)
        room = Room(core.writer.new_nid(), afar.room_id, dag.version)

        def change(draft: Draft) -> None:
            core.store.add_room(draft, room, user.user_nid)

        await core.writer.submit(change)
        core.rooms.add(room)
        return afar

    async def arrive(self, order: str, *numbers: int) -> None:
        """Let some steps of an order arrive, each at another worker; all without numbers."""
        steps = self.dag.orders[order]["steps"]
        for step in [steps[n] for n in numbers] if numbers else steps:
            await self._step(step)

    async def _step(self, step: dict[str, Any]) -> None:
        worker = self._town.any_worker()
        core = worker.core
        receive = ReceiveEvents(
            rooms=core.store,
            timeline=core.store,
            branches=SqlBranchStore(core.database),
            users=worker.users,
            writer=core.writer,
            new_nid=core.writer.new_nid,
            guests=PutOutGuests(SqlGuestStore(core.database), core.server_name),
        )
        cited = [self.dag.events[name] for name in step.get("with", [])]
        await receive(
            await core.rooms.get(self.room_id),
            [self.dag.events[name] for name in step["deliver"]],
            auth_events={event.event_id: event for event in cited},
            states={
                self.dag.events[name].event_id: self.dag.ids(held)
                for name, held in step.get("states", {}).items()
            },
            history_only=step.get("history", False),
        )

    def names(self, event_ids: list[str]) -> list[str]:
        """Which events of the file these are."""
        return self.dag.names(event_ids)
