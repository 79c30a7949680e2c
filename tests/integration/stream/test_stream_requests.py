"""What a client does over the socket: the same as over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.ports.rate_limiter import Limit
from tests.support.client import MatrixRefusal
from tests.support.streaming import streaming

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


async def test_a_message_goes_out_and_comes_in(romeo: Phone, juliet: Phone, room: str) -> None:
    async with streaming(romeo) as hers, streaming(juliet) as his:
        event_id = await hers.say(room, "hark 😀")
        await his.until(lambda: juliet.rooms[room].bodies == ["hark 😀"])
        assert juliet.rooms[room].timeline[-1]["event_id"] == event_id
        await hers.until(lambda: romeo.rooms[room].bodies == ["hark 😀"])
        # the sender's own device recognises it
        assert "transaction_id" in romeo.rooms[room].timeline[-1]["unsigned"]


async def test_I2_a_transaction_is_shared_with_http(romeo: Phone, room: str) -> None:
    async with streaming(romeo) as socket:
        over_socket = await socket.say(room, "once", txn="t1")
        assert await socket.say(room, "once", txn="t1") == over_socket
    assert await romeo.send(room, "once", txn="t1") == over_socket
    over_http = await romeo.send(room, "again", txn="t2")
    async with streaming(romeo) as socket:
        assert await socket.say(room, "again", txn="t2") == over_http


async def test_typing_receipts_and_markers(romeo: Phone, juliet: Phone, room: str) -> None:
    event_id = await romeo.send(room, "hark")
    async with streaming(romeo) as hers, streaming(juliet) as his:
        answer = await his.ask(type="typing", room_id=room, typing=True, timeout=20_000)
        assert (answer["status"], answer["body"]) == (200, {})
        await hers.until(lambda: romeo.rooms[room].typing == [juliet.user_id])
        await his.ask(type="typing", room_id=room, typing=False)
        await hers.until(lambda: romeo.rooms[room].typing == [])
        answer = await his.ask(
            type="receipt", room_id=room, receipt_type="m.read", event_id=event_id, thread_id="main"
        )
        assert answer["status"] == 200
        key = (juliet.user_id, "m.read", "main")
        await hers.until(lambda: romeo.rooms[room].receipts.get(key) == event_id)
        marks = {"m.fully_read": event_id, "m.read": event_id}
        assert (await his.ask(type="read_markers", room_id=room, **marks))["status"] == 200
        key = (juliet.user_id, "m.read", "")
        await hers.until(lambda: romeo.rooms[room].receipts.get(key) == event_id)
        seen = juliet.rooms[room].account_data
        await his.until(lambda: seen.get("m.fully_read") == {"event_id": event_id})


@pytest.mark.parametrize(
    ("frame", "status", "errcode"),
    [
        ({"type": "typing", "typing": "yes"}, 400, "M_BAD_JSON"),
        ({"type": "typing"}, 400, "M_BAD_JSON"),
        ({"type": "receipt", "receipt_type": "m.seen", "event_id": "$e"}, 400, "M_INVALID_PARAM"),
        (
            {"type": "receipt", "receipt_type": "m.read", "event_id": "$e", "thread_id": None},
            400,
            "M_INVALID_PARAM",
        ),
        ({"type": "receipt", "receipt_type": "m.read", "event_id": "$e"}, 404, "M_NOT_FOUND"),
        ({"type": "send", "event_type": "m.x", "txn_id": "", "content": {}}, 400, "M_BAD_JSON"),
        ({"type": "send", "event_type": "m.x", "txn_id": "t", "content": []}, 400, "M_BAD_JSON"),
        (
            {"type": "send", "event_type": "m.x", "txn_id": "t", "content": {"a": 1.5}},
            400,
            "M_BAD_JSON",
        ),
        (
            {"type": "send", "event_type": "m.x", "txn_id": "t" * 256, "content": {}},
            400,
            "M_INVALID_PARAM",
        ),
        (
            {"type": "send", "event_type": "m.x", "txn_id": "t", "content": {"a": "x" * 65536}},
            413,
            "M_TOO_LARGE",
        ),
        ({"type": "dance"}, 404, "M_UNRECOGNIZED"),
    ],
)
async def test_refusals_are_those_of_http(
    romeo: Phone, room: str, frame: dict[str, Any], status: int, errcode: str
) -> None:
    async with streaming(romeo) as socket:
        answer = await socket.ask(room_id=room, id=7, **frame)
        assert (answer["status"], answer["body"]["errcode"]) == (status, errcode)
        assert (await socket.ask(type="ping", id="still"))["type"] == "pong"


async def test_who_is_not_in_the_room_may_not_send(town: SyncTown, room: str) -> None:
    paris = await town.phone("paris")
    async with streaming(paris) as socket:
        answer = await socket.ask(
            type="send", room_id=room, event_type="m.x", txn_id="t", content={}
        )
        assert (answer["status"], answer["body"]["errcode"]) == (403, "M_FORBIDDEN")


async def test_rate_limits_are_those_of_http(town: SyncTown, romeo: Phone, room: str) -> None:
    town.limiter.configure({"messages": Limit(0.01, 2)})
    async with streaming(romeo) as socket:
        await socket.say(room, "one")
        await romeo.send(room, "two")
        frame = {"type": "send", "room_id": room, "event_type": "m.x", "txn_id": "t"}
        answer = await socket.ask(content={}, **frame)
        assert answer["status"] == 429
        assert answer["body"]["errcode"] == "M_LIMIT_EXCEEDED"
        assert answer["body"]["retry_after_ms"] > 0
        assert (await socket.ask(type="ping"))["type"] == "pong"
    with pytest.raises(MatrixRefusal, match="429"):
        await romeo.send(room, "three")


async def test_what_is_sent_into_one_room_keeps_its_order(romeo: Phone, room: str) -> None:
    long = json.dumps({"room": {"timeline": {"limit": 100}}})
    async with streaming(romeo, filter=long) as socket:
        for n in range(40):
            await socket.send(
                type="send",
                id=n,
                room_id=room,
                event_type="m.room.message",
                txn_id=f"t{n}",
                content={"msgtype": "m.text", "body": str(n)},
            )
        await socket.until(lambda: len(romeo.rooms[room].bodies) == 40)
    assert romeo.rooms[room].bodies == [str(n) for n in range(40)]


async def test_a_request_is_carried_out_though_its_client_leaves(romeo: Phone, room: str) -> None:
    async with streaming(romeo) as socket:
        await socket.send(
            type="send",
            id=1,
            room_id=room,
            event_type="m.room.message",
            txn_id="last",
            content={"msgtype": "m.text", "body": "farewell"},
        )
    again = await romeo.send(room, "farewell", txn="last")
    await romeo.sync()
    assert romeo.rooms[room].bodies == ["farewell"]
    assert romeo.rooms[room].timeline[-1]["event_id"] == again
