"""Sends whose answer has not left yet, on one worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.syncing import ids, now

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


async def test_a_send_that_takes_long_does_not_hold_up_the_senders_syncs(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get()
    nid = await town.users.nid_of(juliet.user_id, create=False)
    assert nid is not None
    with town.core.hub.unanswered.sending(nid):
        await romeo.send(room, "hi")
        begun = now()
        assert ids((await juliet.get(timeout_ms=5_000))["rooms"]["join"][room])
        assert now() - begun < 1
    assert not town.core.hub.unanswered.has(nid)
