"""What matrix-nio does besides talking: rooms that are found, knocked at, grouped and replaced, and
what a user keeps. Each of its answers must be the one of success, parsed by it."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import nio
import pytest
from nio.api import PushRuleKind, ReceiptType

from tests.support.phones import PASSWORD, NioPhone
from tests.support.server import running_firn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.server import FirnProcess


@pytest.fixture
async def firn(tmp_path: Path, store_url: str) -> AsyncIterator[FirnProcess]:
    """A server on each store."""
    async with running_firn(tmp_path, store_url) as process:
        yield process


@asynccontextmanager
async def phones(firn: FirnProcess, *names: str) -> AsyncIterator[list[NioPhone]]:
    """Devices of new users."""
    async with AsyncExitStack() as stack:
        found = [NioPhone(firn.base, name) for name in names]
        for phone in found:
            stack.push_async_callback(phone.close)
            await phone.register()
        yield found


def good(answer: Any, kind: type[Any]) -> Any:
    """An answer that nio took for success."""
    assert isinstance(answer, kind), answer
    return answer


async def put(client: nio.AsyncClient, room: str, kind: str, content: Any, key: str = "") -> None:
    good(await client.room_put_state(room, kind, content, key), nio.RoomPutStateResponse)


async def test_a_room_is_found_knocked_at_and_entered(firn: FirnProcess) -> None:
    async with phones(firn, "romeo", "juliet") as (romeo, juliet):
        made = await romeo.client.room_create(
            visibility=nio.RoomVisibility.public, name="Orchard", alias="orchard"
        )
        room = good(made, nio.RoomCreateResponse).room_id
        found = await juliet.client.room_resolve_alias("#orchard:firn.test")
        assert good(found, nio.RoomResolveAliasResponse).room_id == room
        listed = good(await juliet.client.list_public_rooms(), nio.responses.PublicRoomsResponse)
        assert [(each.room_id, each.name) for each in listed.public_rooms] == [(room, "Orchard")]
        seen = await juliet.client.room_get_visibility(room)
        assert good(seen, nio.RoomGetVisibilityResponse).visibility == "public"
        await put(romeo.client, room, "m.room.join_rules", {"join_rule": "knock"})
        good(await juliet.client.room_knock(room, reason="tis I"), nio.RoomKnockResponse)
        state = await romeo.client.room_get_state_event(room, "m.room.member", juliet.user_id)
        assert good(state, nio.RoomGetStateEventResponse).content["membership"] == "knock"
        good(await romeo.client.room_invite(room, juliet.user_id), nio.RoomInviteResponse)
        await juliet.join(room)
        members = good(await juliet.client.joined_members(room), nio.JoinedMembersResponse)
        assert {each.user_id for each in members.members} == {romeo.user_id, juliet.user_id}
        good(await romeo.client.room_kick(room, juliet.user_id, "the lark"), nio.RoomKickResponse)
        good(await romeo.client.room_ban(room, juliet.user_id), nio.RoomBanResponse)
        good(await romeo.client.room_unban(room, juliet.user_id), nio.RoomUnbanResponse)
        good(await juliet.client.room_forget(room), nio.RoomForgetResponse)
        rooms = good(await juliet.client.joined_rooms(), nio.JoinedRoomsResponse)
        assert rooms.rooms == []


async def test_a_space_has_its_rooms_and_a_room_is_replaced(firn: FirnProcess) -> None:
    async with phones(firn, "romeo", "juliet") as (romeo, juliet):
        made = await romeo.client.room_create(space=True, name="Verona", alias="verona")
        space = good(made, nio.RoomCreateResponse).room_id
        made = await romeo.client.room_create(name="Crypt", room_version="10")
        crypt = good(made, nio.RoomCreateResponse).room_id
        await put(romeo.client, space, "m.space.child", {"via": ["firn.test"]}, crypt)
        tree = good(await romeo.client.space_get_hierarchy(space), nio.SpaceGetHierarchyResponse)
        assert [each["name"] for each in tree.rooms] == ["Verona", "Crypt"]
        event = await romeo.say(crypt, "here's to my love")
        around = good(await romeo.client.room_context(crypt, event), nio.RoomContextResponse)
        assert around.event.event_id == event
        assert around.events_before
        await romeo.sync()
        replaced = good(
            await romeo.client.room_upgrade(crypt, "11"), nio.responses.RoomUpgradeResponse
        )
        state = await romeo.client.room_get_state_event(crypt, "m.room.tombstone")
        tombstone = good(state, nio.RoomGetStateEventResponse).content
        assert tombstone["replacement_room"] == replaced.room_id
        refused = await juliet.client.space_get_hierarchy(crypt)
        assert good(refused, nio.SpaceGetHierarchyError).status_code == "M_FORBIDDEN"


async def test_what_a_user_keeps(firn: FirnProcess) -> None:
    async with phones(firn, "romeo") as (romeo,):
        client = romeo.client
        good(await client.set_displayname("Romeo"), nio.ProfileSetDisplayNameResponse)
        good(await client.set_avatar("mxc://firn.test/rose"), nio.ProfileSetAvatarResponse)
        profile = good(await client.get_profile(), nio.ProfileGetResponse)
        assert (profile.displayname, profile.avatar_url) == ("Romeo", "mxc://firn.test/rose")
        me = good(await client.whoami(), nio.WhoamiResponse)
        assert (me.user_id, me.device_id) == (romeo.user_id, client.device_id)
        kept = await client.upload_filter(room={"timeline": {"limit": 3}})
        good(
            await client.sync(sync_filter=good(kept, nio.UploadFilterResponse).filter_id),
            nio.SyncResponse,
        )
        rule, kind = "org.rose", PushRuleKind.content
        made = await client.set_pushrule(
            "global", kind, rule, pattern="rose", actions=[nio.PushNotify()]
        )
        good(made, nio.SetPushRuleResponse)
        good(
            await client.enable_pushrule("global", kind, rule, enable=False),
            nio.EnablePushRuleResponse,
        )
        good(
            await client.set_pushrule_actions("global", kind, rule, []),
            nio.SetPushRuleActionsResponse,
        )
        good(await client.delete_pushrule("global", kind, rule), nio.DeletePushRuleResponse)


async def test_devices_and_receipts(firn: FirnProcess) -> None:
    async with phones(firn, "romeo", "juliet") as (romeo, juliet):
        other = NioPhone(firn.base, "romeo")
        try:
            await other.login()
            name = {"display_name": "in the pocket"}
            good(
                await other.client.update_device(other.client.device_id, name),
                nio.UpdateDeviceResponse,
            )
            devices = good(await romeo.client.devices(), nio.DevicesResponse).devices
            assert {each.display_name for each in devices} == {"first", "in the pocket"}
            room = await romeo.create_room(juliet.user_id)
            await juliet.join(room)
            event = await juliet.say(room, "good night")
            read = await romeo.client.update_receipt_marker(room, event, ReceiptType.read)
            good(read, nio.UpdateReceiptMarkerResponse)
            await juliet.until(lambda: (romeo.user_id, event) in juliet.receipts)
            gone = [other.client.device_id]
            asked = good(await romeo.client.delete_devices(gone), nio.DeleteDevicesAuthResponse)
            auth = {
                "type": "m.login.password",
                "session": asked.session,
                "user": romeo.user_id,
                "password": PASSWORD,
            }
            good(await romeo.client.delete_devices(gone, auth), nio.DeleteDevicesResponse)
            over = await other.client.whoami()
            assert good(over, nio.WhoamiError).status_code == "M_UNKNOWN_TOKEN"
        finally:
            await other.close()
