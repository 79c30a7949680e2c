"""The use cases that write to rooms, over a real store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from homeserver.application.access import RoomAccess
from homeserver.application.ports.profiles import MemberProfile
from homeserver.application.relations.check_relation import CheckRelation
from homeserver.application.requester import Requester
from homeserver.application.rooms.ban_user import BanUser
from homeserver.application.rooms.change_member import ChangeMember
from homeserver.application.rooms.compose import NewEvent, Transaction
from homeserver.application.rooms.create_room import CreateRoom
from homeserver.application.rooms.forget_room import ForgetRoom
from homeserver.application.rooms.invite_user import InviteUser
from homeserver.application.rooms.invitees import CheckInvitee
from homeserver.application.rooms.join_room import JoinRoom
from homeserver.application.rooms.kick_user import KickUser
from homeserver.application.rooms.knock_room import KnockRoom
from homeserver.application.rooms.leave_room import LeaveRoom
from homeserver.application.rooms.propagate_profile import PropagateProfile
from homeserver.application.rooms.publish_alias import PublishAlias
from homeserver.application.rooms.put_out_guests import PutOutGuests
from homeserver.application.rooms.redact_event import RedactEvent
from homeserver.application.rooms.redeem_invitation import RedeemInvitation
from homeserver.application.rooms.registry import RoomRegistry
from homeserver.application.rooms.remove_alias import RemoveAlias
from homeserver.application.rooms.resolve_alias import ResolveAlias
from homeserver.application.rooms.send_event import SendEvent
from homeserver.application.rooms.send_state import SendState
from homeserver.application.rooms.set_member import SetMember
from homeserver.application.rooms.unban_user import UnbanUser
from homeserver.application.user_data.account_data import AccountData
from homeserver.domain.appservices.services import Services
from homeserver.domain.rooms.presets import CreateRoomRequest
from homeserver.domain.rooms.room import Room
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.domain.shared.identifiers import domain_of
from homeserver.infrastructure.crypto.ed25519 import Ed25519Verifier
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.aliases import SqlAliasStore
from homeserver.infrastructure.sql.guests import SqlGuestStore
from homeserver.infrastructure.sql.memberships import SqlMembershipStore
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.relation_store import SqlRelationStore
from homeserver.infrastructure.sql.user_data_store import SqlUserDataStore

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from tests.support.store import Store, Worker

_NID = Query(select(t.matrix_user.c.nid).where(t.matrix_user.c.user_id == bindparam("user")))


class TableUsers:
    """`Users` on the table of users alone: whoever stands there exists."""

    def __init__(self, store: Store, worker: Worker) -> None:
        """Look into this store."""
        self._store = store
        self._writer = worker.writer

    async def nid_of(self, user_id: str, *, create: bool) -> int | None:
        """See `Users.nid_of`."""
        rows = await self._store.database.fetch(_NID, user=user_id.encode())
        if rows:
            return int(rows[0][0])
        if not create:
            return None
        nid = self._writer.new_nid()

        def change(draft: Draft) -> int:
            draft.write(w.INSERT_USER, (nid, user_id.encode()))
            return nid

        return await self._writer.submit(change)

    async def exists_locally(self, user_id: str) -> bool:
        """See `Users.exists_locally`."""
        is_local = domain_of(user_id) == self._store.server_name
        return is_local and await self.nid_of(user_id, create=False) is not None


@dataclass
class Town:
    """One worker's use cases; `profiles` are what the test says they are."""

    store: Store
    worker: Worker
    default_version: str = "12"
    profiles: dict[int, MemberProfile] = field(default_factory=dict)
    forgotten: list[tuple[int, int]] = field(default_factory=list)
    _devices: int = 0

    def __post_init__(self) -> None:
        """Wire everything as the composition root does."""
        writer, rooms = self.worker.writer, self.worker.rooms
        self.users = TableUsers(self.store, self.worker)
        self.registry = RoomRegistry(rooms)
        self.memberships = SqlMembershipStore(self.store.database)
        self.access = RoomAccess(self.registry, rooms, self.memberships)
        self.aliases = SqlAliasStore(self.store.database)
        member = ChangeMember(self.users, self._profile, writer)
        check_invitee = CheckInvitee(self.users, AccountData(SqlUserDataStore(self.store.database)))
        self.create = CreateRoom(
            writer=writer,
            store=rooms,
            registry=self.registry,
            aliases=self.aliases,
            users=self.users,
            check_invitee=check_invitee,
            profiles=self._profile,
            ids=self.store.ids,
            new_nid=writer.new_nid,
            default_version=lambda: self.default_version,
            services=Services,
        )
        self.join = JoinRoom(self.access, member)
        self.knock = KnockRoom(self.access, member)
        self.leave = LeaveRoom(self.access, member)
        self.invite = InviteUser(self.access, check_invitee, member)
        self.kick = KickUser(self.access, member)
        self.ban = BanUser(self.access, member)
        self.unban = UnbanUser(self.access, member)
        self.set_member = SetMember(
            access=self.access,
            join=self.join,
            knock=self.knock,
            leave=self.leave,
            invite=self.invite,
            kick=self.kick,
            ban=self.ban,
            unban=self.unban,
        )
        self.redeem = RedeemInvitation(
            self.access, self.users, self._profile, writer, Ed25519Verifier.from_base64
        )
        self.forget = ForgetRoom(
            self.access, self.memberships, writer, lambda *pair: self.forgotten.append(pair)
        )
        check = CheckRelation(SqlRelationStore(self.store.database), rooms, rooms)
        self.send_event = SendEvent(self.access, check, writer)
        guests = PutOutGuests(SqlGuestStore(self.store.database), self.store.server_name)
        self.redact_event = RedactEvent(self.access, rooms, writer, guests)
        self.state = SendState(self.access, self.aliases, self.set_member, writer, guests)
        self.resolve = ResolveAlias(self.aliases)
        self.publish = PublishAlias(self.access, self.aliases, writer, Services)
        self.remove = RemoveAlias(self.access, self.aliases, writer, Services)
        self.propagate = PropagateProfile(self.access, self.memberships, writer)

    async def _profile(self, user_nid: int) -> MemberProfile:
        return self.profiles.get(user_nid, MemberProfile())

    async def user(self, name: str) -> Requester:
        """A user of this server with a new device."""
        user_id = f"@{name}:{self.store.server_name}"
        nid = await self.users.nid_of(user_id, create=True)
        assert nid is not None
        self._devices += 1
        return Requester(user_id, nid, f"D{self._devices}", 1000 + self._devices)

    async def room(self, creator: Requester, version: str | None = None, **request: Any) -> Room:
        """Make a room."""
        room_id = await self.create(creator, CreateRoomRequest(**request), version)
        return await self.registry.get(room_id)

    async def say(self, who: Requester, room: Room, body: str, txn_id: str | None = None) -> str:
        """Send a message; the event id."""
        content = {"msgtype": "m.text", "body": body}
        new = NewEvent("m.room.message", content)
        txn = self.txn(who, room, "send/m.room.message", txn_id or body)
        return await self.send_event(who, room.room_id, new, txn)

    async def redact(self, who: Requester, room: Room, event_id: str) -> str:
        """Redact an event; the redaction's id."""
        txn = self.txn(who, room, "redact", event_id)
        return await self.redact_event(who, room.room_id, event_id, {"reason": "no"}, txn)

    @staticmethod
    def txn(who: Requester, room: Room, scope: str, txn_id: str) -> Transaction:
        """Name a transaction."""
        return Transaction.of(who, f"PUT {room.room_id}/{scope}", txn_id)

    async def stored(self, room: Room) -> Room:
        """The same room, loaded anew from the store."""
        again = Room(room.nid, room.room_id, ROOM_VERSIONS[room.version.id])
        await self.worker.rooms.load(again)
        return again
