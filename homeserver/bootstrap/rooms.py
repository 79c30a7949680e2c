"""Everything about rooms but /sync."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homeserver.application.delayed.schedule import DelayLimits, ScheduleEvent
from homeserver.application.moderation.report_content import ReportContent
from homeserver.application.ports.unknown_ids import NobodyElse
from homeserver.application.relations.check_relation import CheckRelation
from homeserver.application.relations.get_relations import GetRelations
from homeserver.application.relations.get_threads import GetThreads
from homeserver.application.relations.related_by import RelatedBy
from homeserver.application.rooms.ban_user import BanUser
from homeserver.application.rooms.change_member import ChangeMember
from homeserver.application.rooms.create_room import CreateRoom
from homeserver.application.rooms.event_at_time import EventAtTime
from homeserver.application.rooms.forget_room import ForgetRoom
from homeserver.application.rooms.founding import Founding
from homeserver.application.rooms.get_context import GetContext
from homeserver.application.rooms.get_event import GetEvent
from homeserver.application.rooms.get_members import GetMembers
from homeserver.application.rooms.get_messages import GetMessages
from homeserver.application.rooms.get_state import GetState
from homeserver.application.rooms.get_summary import GetSummary
from homeserver.application.rooms.invite_user import InviteUser
from homeserver.application.rooms.invitees import CheckInvitee
from homeserver.application.rooms.join_room import JoinRoom
from homeserver.application.rooms.joined_members import JoinedMembers
from homeserver.application.rooms.joined_rooms import JoinedRooms
from homeserver.application.rooms.kick_user import KickUser
from homeserver.application.rooms.knock_room import KnockRoom
from homeserver.application.rooms.leave_room import LeaveRoom
from homeserver.application.rooms.list_public_rooms import ListPublicRooms
from homeserver.application.rooms.log_scan import LogScan
from homeserver.application.rooms.mutual_rooms import ListMutualRooms
from homeserver.application.rooms.points import Points
from homeserver.application.rooms.previews import RoomPreviews
from homeserver.application.rooms.publish_alias import PublishAlias
from homeserver.application.rooms.put_out_guests import PutOutGuests
from homeserver.application.rooms.redact_event import RedactEvent
from homeserver.application.rooms.redeem_invitation import RedeemInvitation
from homeserver.application.rooms.remove_alias import RemoveAlias
from homeserver.application.rooms.resolve_alias import ResolveAlias
from homeserver.application.rooms.room_aliases import RoomAliases
from homeserver.application.rooms.room_visibility import RoomVisibility
from homeserver.application.rooms.send_event import SendEvent
from homeserver.application.rooms.send_state import SendState
from homeserver.application.rooms.set_member import SetMember
from homeserver.application.rooms.state_reader import StateReader
from homeserver.application.rooms.unban_user import UnbanUser
from homeserver.application.rooms.upgrade_room import UpgradeRoom
from homeserver.application.rooms.walk_space import WalkSpace
from homeserver.application.sync.unanswered import AnsweredFirst
from homeserver.application.user_data.carry_settings import CarrySettings
from homeserver.infrastructure.crypto.ed25519 import Ed25519Verifier
from homeserver.infrastructure.sql.aliases import SqlAliasStore
from homeserver.infrastructure.sql.delayed_store import SqlDelayedStore
from homeserver.infrastructure.sql.directory import SqlDirectoryStore
from homeserver.infrastructure.sql.guests import SqlGuestStore
from homeserver.infrastructure.sql.reports import SqlReportStore
from homeserver.presentation.client.aliases import AliasCases, alias_routes
from homeserver.presentation.client.context import context_routes
from homeserver.presentation.client.create_room import create_room_routes
from homeserver.presentation.client.directory import DirectoryCases, directory_routes
from homeserver.presentation.client.members import member_routes
from homeserver.presentation.client.membership import MembershipCases, membership_routes
from homeserver.presentation.client.messages import messages_routes
from homeserver.presentation.client.redact import redact_routes
from homeserver.presentation.client.relations import RelationCases, relation_routes
from homeserver.presentation.client.reports import report_routes
from homeserver.presentation.client.room_events import room_event_routes
from homeserver.presentation.client.room_state import room_state_routes
from homeserver.presentation.client.room_summary import room_summary_routes
from homeserver.presentation.client.rooms_lists import rooms_list_routes
from homeserver.presentation.client.send import SendMessage, send_routes
from homeserver.presentation.client.spaces import space_routes
from homeserver.presentation.client.state_events import state_event_routes
from homeserver.presentation.client.upgrade import upgrade_routes

if TYPE_CHECKING:
    from homeserver.application.memo import Memo
    from homeserver.application.ports.profiles import ProfileReader
    from homeserver.application.ports.unknown_ids import UnknownIds
    from homeserver.application.ports.users import Users
    from homeserver.bootstrap.core import Core
    from homeserver.presentation.routing import Route


@dataclass(frozen=True, slots=True)
class People:
    """What rooms need to know of accounts."""

    users: Users
    profiles: ProfileReader
    unknown: UnknownIds = field(default_factory=NobodyElse)


def build_schedule(core: Core) -> ScheduleEvent:
    """Scheduling of events that are sent later."""

    def limits() -> DelayLimits:
        wanted = core.settings.current.delayed_events
        return DelayLimits(wanted.max_delay_ms, wanted.max_scheduled)

    store = SqlDelayedStore(core.database)
    return ScheduleEvent(store, core.writer, core.clock, core.ids, core.writer.new_nid, limits)


def build_send_state(core: Core, people: People) -> SendState:
    """Setting of state, memberships included."""
    carry = CarrySettings(core.access, core.account_data, core.writer)
    members = _members(core, people, carry)
    aliases = SqlAliasStore(core.database)
    return SendState(core.access, aliases, members, core.writer, _guests(core))


def build_send(core: Core) -> SendMessage:
    """Sending, by whatever way a message comes in."""
    check = CheckRelation(core.relations, core.store, core.store)
    return SendMessage(
        AnsweredFirst(SendEvent(core.access, check, core.writer), core.hub.unanswered),
        RedactEvent(core.access, core.store, core.writer, _guests(core)),
    )


def _guests(core: Core) -> PutOutGuests:
    return PutOutGuests(SqlGuestStore(core.database), core.server_name)


def room_routes(core: Core, people: People, send: SendMessage, memo: Memo) -> tuple[Route, ...]:
    """All rows of the rooms' endpoints."""
    carry = CarrySettings(core.access, core.account_data, core.writer)
    return (
        *_writing(core, people, send, carry),
        *_reading(core, people, memo),
        *_outside(core, people),
        *_upgrading(core, people, carry),
        *report_routes(_reports(core, people)),
    )


def _reports(core: Core, people: People) -> ReportContent:
    return ReportContent(
        access=core.access,
        timeline=core.store,
        users=people.users,
        reports=SqlReportStore(core.database),
        writer=core.writer,
        new_nid=core.writer.new_nid,
    )


def _upgrading(core: Core, people: People, carry: CarrySettings) -> tuple[Route, ...]:
    upgrade = UpgradeRoom(
        access=core.access,
        writer=core.writer,
        found=Founding(core.store, core.rooms),
        aliases=SqlAliasStore(core.database),
        directory=SqlDirectoryStore(core.database),
        profiles=people.profiles,
        ids=core.ids,
        new_nid=core.writer.new_nid,
        carry=carry,
    )
    return upgrade_routes(upgrade)


def _outside(core: Core, people: People) -> tuple[Route, ...]:
    """Rooms as those see them who are not in them."""
    directory, aliases = SqlDirectoryStore(core.database), SqlAliasStore(core.database)
    cases = DirectoryCases(
        ListPublicRooms(directory, core.store, core.server_name),
        RoomVisibility(core.access, directory, core.writer),
        RoomAliases(core.access, aliases),
    )
    previews = RoomPreviews(core.access)
    return (
        *directory_routes(cases),
        *room_summary_routes(GetSummary(previews, ResolveAlias(aliases, people.unknown))),
        *space_routes(WalkSpace(previews)),
    )


def _writing(
    core: Core, people: People, send: SendMessage, carry: CarrySettings
) -> tuple[Route, ...]:
    aliases = SqlAliasStore(core.database)
    create = CreateRoom(
        writer=core.writer,
        store=core.store,
        registry=core.rooms,
        aliases=aliases,
        users=people.users,
        check_invitee=CheckInvitee(people.users, core.account_data),
        profiles=people.profiles,
        ids=core.ids,
        new_nid=core.writer.new_nid,
        default_version=lambda: core.settings.current.rooms.default_version,
        services=lambda: core.settings.services,
    )
    members = _members(core, people, carry)
    resolve = ResolveAlias(aliases, people.unknown)
    forget = ForgetRoom(core.access, core.memberships, core.writer, core.hub.forget)
    redeem = RedeemInvitation(
        core.access, people.users, people.profiles, core.writer, Ed25519Verifier.from_base64
    )
    return (
        *create_room_routes(create),
        *membership_routes(MembershipCases(members, redeem, forget, resolve)),
        *alias_routes(
            AliasCases(
                resolve,
                PublishAlias(core.access, aliases, core.writer, lambda: core.settings.services),
                RemoveAlias(core.access, aliases, core.writer, lambda: core.settings.services),
                core.server_name,
            )
        ),
        *send_routes(send, build_schedule(core)),
        *state_event_routes(
            SendState(core.access, aliases, members, core.writer, _guests(core)),
            build_schedule(core),
        ),
        *redact_routes(send.redact_event),
    )


def _members(core: Core, people: People, carry: CarrySettings) -> SetMember:
    change = ChangeMember(people.users, people.profiles, core.writer)
    return SetMember(
        access=core.access,
        join=JoinRoom(core.access, change, carry),
        knock=KnockRoom(core.access, change),
        leave=LeaveRoom(core.access, change),
        invite=InviteUser(core.access, CheckInvitee(people.users, core.account_data), change),
        kick=KickUser(core.access, change),
        ban=BanUser(core.access, change),
        unban=UnbanUser(core.access, change),
    )


def _relations(core: Core, points: Points) -> RelationCases:
    return RelationCases(
        GetRelations(
            access=core.access,
            timeline=core.store,
            relations=core.relations,
            points=points,
            aggregations=core.aggregations,
        ),
        GetThreads(
            access=core.access,
            timeline=core.store,
            relations=core.relations,
            points=points,
            aggregations=core.aggregations,
        ),
    )


def _reading(core: Core, people: People, memo: Memo) -> tuple[Route, ...]:
    scan, state = LogScan(core.store), StateReader(core.store)
    points = Points(core.timeline, core.log, lambda: core.generation)
    access, beside, related = core.access, core.aggregations, RelatedBy(core.relations)
    event = GetEvent(access, core.store, beside)
    return (
        *messages_routes(GetMessages(access, scan, points, state, beside, related)),
        *context_routes(GetContext(access, core.store, scan, state, beside, related)),
        *room_event_routes(event, EventAtTime(access, core.store, scan)),
        *relation_routes(_relations(core, points)),
        *room_state_routes(GetState(access, state, core.store)),
        *member_routes(
            GetMembers(access, state, points),
            JoinedMembers(access, memo, lambda: core.settings.services),
        ),
        *rooms_list_routes(
            JoinedRooms(core.hub, core.memberships, core.rooms, core.store),
            ListMutualRooms(core.memberships, people.users, core.store),
        ),
    )
