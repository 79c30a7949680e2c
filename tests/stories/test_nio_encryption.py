"""End-to-end encryption with a foreign client: matrix-nio, each device on another worker."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from nio import (
    AsyncClient,
    AsyncClientConfig,
    JoinResponse,
    LoginResponse,
    RegisterResponse,
    RoomCreateResponse,
    RoomMessageText,
    RoomPreset,
    RoomSendResponse,
    SyncResponse,
)
from nio.event_builders import EnableEncryptionBuilder

from tests.support.server import running_firn

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.whole_cluster import WholeCluster

pytest.importorskip("vodozemac", reason="matrix-nio encrypts with vodozemac")
PASSWORD = "a quiet harbour at dusk"
PATIENCE_S = 40.0


class CryptPhone:
    """A device that encrypts; `read` has the texts that it could decrypt, by sender."""

    def __init__(self, base: str, name: str, folder: Path) -> None:
        """Talk to a server at this address."""
        config = AsyncClientConfig(
            store_sync_tokens=False,
            encryption_enabled=True,
            max_limit_exceeded=0,
        )
        user_id = f"@{name}:firn.test"
        self.name = name
        self.client = AsyncClient(base, user_id, store_path=str(folder), config=config)
        self.read: list[tuple[str, str]] = []
        self.client.add_event_callback(self._hear, RoomMessageText)

    def _hear(self, _room: Any, event: RoomMessageText) -> None:
        assert event.decrypted, event
        self.read.append((event.sender, event.body))

    async def begin(self, *, new: bool) -> CryptPhone:
        """Register or log in, publish keys."""
        if new:
            answer = await self.client.register(self.name, PASSWORD, "first")
            assert isinstance(answer, RegisterResponse), answer
        else:
            found = await self.client.login(PASSWORD, device_name="another")
            assert isinstance(found, LoginResponse), found
        await self.sync()
        return self

    async def sync(self, wait_s: float = 0) -> None:
        """Sync, and do what that asks for, as `sync_forever` does."""
        since = self.client.next_batch or None
        answer = await self.client.sync(
            timeout=int(wait_s * 1000), since=since, full_state=not since
        )
        assert isinstance(answer, SyncResponse), answer
        await self.client.send_to_device_messages()
        if self.client.should_upload_keys:
            await self.client.keys_upload()
        if self.client.should_query_keys:
            await self.client.keys_query()
        if self.client.should_claim_keys:
            await self.client.keys_claim(self.client.get_users_for_key_claiming())

    async def until_read(self, sender: CryptPhone, text: str) -> None:
        """Sync until a text was decrypted."""
        async with asyncio.timeout(PATIENCE_S):
            while (sender.client.user_id, text) not in self.read:
                await self.sync(5)

    async def until_knows(self, *others: CryptPhone) -> None:
        """Sync until the devices of others are known."""
        async with asyncio.timeout(PATIENCE_S):
            while any(
                other.client.device_id not in self.client.device_store[other.client.user_id]
                for other in others
            ):
                await self.sync(5)

    async def say(self, room: str, text: str) -> None:
        """Send a message, encrypted."""
        assert self.client.rooms[room].encrypted
        content = {"msgtype": "m.text", "body": text}
        answer = await self.client.room_send(
            room, "m.room.message", content, ignore_unverified_devices=True
        )
        assert isinstance(answer, RoomSendResponse), answer


async def tell(folder: Path, suffix: str, one: str, two: str, three: str) -> None:
    """Two people talk; one of them gets a new device, and then loses it."""
    async with AsyncExitStack() as stack:

        async def phone(base: str, name: str, *, new: bool = True) -> CryptPhone:
            made = CryptPhone(base, f"{name}-{suffix}", folder)
            stack.push_async_callback(made.client.close)
            return await made.begin(new=new)

        romeo, juliet = await phone(one, "romeo"), await phone(two, "juliet")
        made = await romeo.client.room_create(
            preset=RoomPreset.private_chat,
            invite=[juliet.client.user_id],
            initial_state=[EnableEncryptionBuilder().as_dict()],
        )
        assert isinstance(made, RoomCreateResponse), made
        room = made.room_id
        assert isinstance(await juliet.client.join(room), JoinResponse)
        await romeo.until_knows(juliet)
        await juliet.until_knows(romeo)
        await romeo.say(room, "but soft")
        await juliet.until_read(romeo, "but soft")
        await juliet.say(room, "ay me")
        await romeo.until_read(juliet, "ay me")

        tablet = await phone(three, "juliet", new=False)
        await romeo.until_knows(tablet)
        await tablet.until_knows(romeo)
        await romeo.say(room, "she speaks")
        for reader in (tablet, juliet):
            await reader.until_read(romeo, "she speaks")
        await tablet.say(room, "wherefore art thou")
        for reader in (romeo, juliet):
            await reader.until_read(tablet, "wherefore art thou")

        await tablet.client.logout()
        async with asyncio.timeout(PATIENCE_S):
            while list(romeo.client.device_store.active_user_devices(juliet.client.user_id)) != [
                romeo.client.device_store[juliet.client.user_id][juliet.client.device_id]
            ]:
                await romeo.sync(5)
        await romeo.say(room, "speak again")
        await juliet.until_read(romeo, "speak again")


@pytest.mark.timeout(120)
async def test_a_new_device_reads_what_is_encrypted_from_then_on(
    tmp_path: Path, store_url: str
) -> None:
    async with running_firn(tmp_path, store_url) as firn:
        await tell(tmp_path, "one", firn.base, firn.base, firn.base)


@pytest.mark.rocketmq
@pytest.mark.timeout(180)
async def test_a_new_device_reads_what_is_encrypted_with_each_on_another_worker(
    cluster: WholeCluster, tmp_path: Path
) -> None:
    await tell(tmp_path, "three", *cluster.workers)
