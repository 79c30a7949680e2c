"""/sync and what belongs to a user in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from homeserver.application.delivery.frames import PRESENCE, TYPING
from homeserver.application.keys.list_changes import ListChanges
from homeserver.application.presence.board import PresenceBoard
from homeserver.application.presence.news import PresenceNews
from homeserver.application.presence.presence_status import PresenceStatus
from homeserver.application.push.edit_push_rules import EditPushRules
from homeserver.application.push.list_notifications import ListNotifications
from homeserver.application.push.pushers import Pushers
from homeserver.application.receipts.mark_read import MarkRead
from homeserver.application.relations.related_by import RelatedBy
from homeserver.application.sync.candidates import Candidates
from homeserver.application.sync.device_lists import DeviceLists
from homeserver.application.sync.feeds import Feeds
from homeserver.application.sync.global_data import GlobalData
from homeserver.application.sync.joined_room import JoinedRooms
from homeserver.application.sync.key_counts import KeyCountsPart
from homeserver.application.sync.lazy_members import LazyMembers
from homeserver.application.sync.left_room import LeftRooms
from homeserver.application.sync.presence import PresencePart
from homeserver.application.sync.room_data import RoomData
from homeserver.application.sync.room_state import StatePart
from homeserver.application.sync.seen import Progress
from homeserver.application.sync.sync import Sync
from homeserver.application.sync.thread_counts import ThreadCounts
from homeserver.application.sync.timeline_relations import TimelineRelations
from homeserver.application.sync.to_device import ToDevice
from homeserver.application.sync.tokens import Tokens
from homeserver.application.sync.unread import UnreadCounts
from homeserver.application.to_device.inboxes import Inboxes
from homeserver.application.typing.board import TypingBoard
from homeserver.application.typing.news import TypingNews
from homeserver.application.typing.set_typing import SetTyping
from homeserver.application.user_data.edit import EditAccountData
from homeserver.application.user_data.filters import Filters
from homeserver.bootstrap.delivery import link_of
from homeserver.infrastructure.sql.device_changes import SqlDeviceChanges
from homeserver.infrastructure.sql.one_time_key_store import SqlOneTimeKeyStore
from homeserver.infrastructure.sql.pusher_store import SqlPusherStore
from homeserver.infrastructure.sql.to_device_store import SqlToDeviceStore
from homeserver.infrastructure.sql.user_data_store import SqlUserDataStore
from homeserver.presentation.client.account_data import account_data_routes
from homeserver.presentation.client.filters import filter_routes
from homeserver.presentation.client.notifications import notification_routes
from homeserver.presentation.client.presence import presence_routes
from homeserver.presentation.client.push_rules import push_rule_routes
from homeserver.presentation.client.pushers import pusher_routes
from homeserver.presentation.client.receipts import receipt_routes
from homeserver.presentation.client.sync import SyncQueries, sync_routes
from homeserver.presentation.client.tags import tag_routes
from homeserver.presentation.client.typing import typing_routes

if TYPE_CHECKING:
    from homeserver.application.ports.route_table import RouteTable
    from homeserver.application.ports.users import Users
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.bootstrap.core import Core
    from homeserver.bootstrap.delivery import Cluster
    from homeserver.presentation.routing import Route


@dataclass(frozen=True, slots=True)
class SyncParts:
    """The routes, the cases behind them, and what the process keeps alive for them."""

    routes: tuple[Route, ...]
    sync: Sync
    feeds: Feeds
    inboxes: Inboxes
    typing: TypingBoard
    presence: PresenceBoard
    queries: SyncQueries
    mark_read: MarkRead
    set_typing: SetTyping
    unread: UnreadCounts
    list_changes: ListChanges


def build_sync(
    core: Core, online: RouteTable | None = None, cluster: Cluster | None = None
) -> SyncParts:
    """Wire /sync, receipts, typing, account data, tags and filters.

    `online` is told which devices sync here; in a cluster other workers hear who types.
    """
    user_data = SqlUserDataStore(core.database)
    data = core.account_data
    edit = EditAccountData(data, core.rooms, core.writer)
    filters = Filters(user_data, core.writer)
    queries = SyncQueries(filters)
    typing = TypingBoard(core.hub, core.clock)
    presence = PresenceBoard(core.hub, core.clock, lambda: core.settings.current.presence.enabled)
    if cluster is not None:
        _tell_others(core, cluster, typing, presence)
    feeds = Feeds(core.hub, core.memberships, core.log, core.clock, online)
    inboxes = Inboxes(SqlToDeviceStore(core.database), core.writer, lambda: core.settings.services)
    unread = UnreadCounts(core.store, data)
    shared = _shared(core, typing, data)
    sync = _sync(core, feeds, (typing, presence), data, inboxes, unread, shared)
    notifications = ListNotifications(
        access=core.access,
        memberships=core.memberships,
        store=core.store,
        data=data,
        unread=unread,
    )
    mark_read = MarkRead(core.access, core.store, core.store, data, core.writer)
    set_typing = SetTyping(core.access, typing)
    routes = (
        *sync_routes(sync, queries, lambda: core.settings.current.limits.sync_timeout_max_ms),
        *receipt_routes(mark_read),
        *typing_routes(set_typing),
        *account_data_routes(edit),
        *tag_routes(edit),
        *filter_routes(filters),
        *push_rule_routes(data, EditPushRules(data, core.writer)),
        *notification_routes(notifications),
        *pusher_routes(
            Pushers(SqlPusherStore(core.database), core.writer),
            lambda: core.settings.current.push.allow_http,
        ),
    )
    return SyncParts(
        routes=routes,
        sync=sync,
        feeds=feeds,
        inboxes=inboxes,
        typing=typing,
        presence=presence,
        queries=queries,
        mark_read=mark_read,
        set_typing=set_typing,
        unread=unread,
        list_changes=_list_changes(core, feeds, shared),
    )


def presence_status_routes(core: Core, parts: SyncParts, users: Users) -> tuple[Route, ...]:
    """`/presence`, which has to know users by their ids."""
    status = PresenceStatus(parts.presence, core.memberships, users, core.clock)
    return presence_routes(status)


def _tell_others(
    core: Core, cluster: Cluster, typing: TypingBoard, presence: PresenceBoard
) -> None:
    """Let other workers hear who types and who is online, and hear it from them."""
    link = link_of(core, cluster)
    who_types = TypingNews(
        link,
        typing,
        core.rooms,
        to_all=lambda: any(each.receive_ephemeral for each in core.settings.services),
    )
    who_is_online = PresenceNews(link, presence)
    for kind, news in ((TYPING, who_types), (PRESENCE, who_is_online)):
        cluster.kinds[kind] = news.receive
        cluster.closing.append(news.stop)


class _Shared(NamedTuple):
    """What /sync and /keys/changes are both made of."""

    candidates: Candidates
    lists: DeviceLists
    progress: Progress


def _shared(core: Core, typing: TypingBoard, data: AccountData) -> _Shared:
    changes = SqlDeviceChanges(core.database)
    return _Shared(
        Candidates(log=core.log, typing=typing, account_data=data),
        DeviceLists(core.hub, core.rooms, core.key_board, changes, core.store, core.timeline),
        _progress(core, typing),
    )


def _list_changes(core: Core, feeds: Feeds, shared: _Shared) -> ListChanges:
    return ListChanges(
        hub=core.hub,
        feeds=feeds,
        rooms=core.rooms,
        candidates=shared.candidates,
        lists=shared.lists,
        progress=shared.progress,
        clock=core.clock,
    )


def _sync(
    core: Core,
    feeds: Feeds,
    boards: tuple[TypingBoard, PresenceBoard],
    data: AccountData,
    inboxes: Inboxes,
    unread: UnreadCounts,
    shared: _Shared,
) -> Sync:
    typing, presence = boards
    threads = ThreadCounts(core.store, unread)
    room_data = RoomData(typing=typing, account_data=data, unread=unread, threads=threads)
    lazy = LazyMembers()
    state = StatePart(core.store, lazy)
    beside = TimelineRelations(core.aggregations, RelatedBy(core.relations))
    return Sync(
        hub=core.hub,
        feeds=feeds,
        rooms=core.rooms,
        candidates=shared.candidates,
        joined=JoinedRooms(
            access=core.access,
            store=core.store,
            timeline=core.timeline,
            state=state,
            data=room_data,
            beside=beside,
        ),
        left=LeftRooms(
            access=core.access,
            store=core.store,
            timeline=core.timeline,
            state=state,
            beside=beside,
            data=room_data,
        ),
        data=GlobalData(data),
        inboxes=inboxes,
        to_device=ToDevice(inboxes),
        account_data=data,
        lazy=lazy,
        typing=typing,
        presence=PresencePart(presence, core.rooms, core.clock),
        device_lists=shared.lists,
        key_counts=KeyCountsPart(SqlOneTimeKeyStore(core.database)),
        progress=shared.progress,
        clock=core.clock,
    )


def _progress(core: Core, typing: TypingBoard) -> Progress:
    instance = int.from_bytes(core.ids.random_bytes(4), "big")
    return Progress(
        hub=core.hub,
        tokens=Tokens(core.generation, instance),
        typing=typing,
        log=core.log,
        clock=core.clock,
        generation=core.generation,
    )
