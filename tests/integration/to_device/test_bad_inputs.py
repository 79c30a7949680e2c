"""What /sendToDevice refuses, and what it passes over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.client import MatrixRefusal
from tests.support.messages import numbers, send

if TYPE_CHECKING:
    from tests.support.syncing import Phone

JULIET = "@juliet:firn.test"
BAD: list[tuple[Any, int, str]] = [
    (None, 400, "M_BAD_JSON"),
    ([], 400, "M_BAD_JSON"),
    ({JULIET: []}, 400, "M_BAD_JSON"),
    ({JULIET: {"*": "text"}}, 400, "M_BAD_JSON"),
    ({JULIET: {"*": None}}, 400, "M_BAD_JSON"),
    ({JULIET: {"*": {"n": 1.5}}}, 400, "M_BAD_JSON"),
    ({JULIET: {"*": {"n": 2**60}}}, 400, "M_BAD_JSON"),
    ({"juliet": {"*": {}}}, 400, "M_INVALID_PARAM"),
    ({"": {"*": {}}}, 400, "M_INVALID_PARAM"),
    ({JULIET: {"*": {"text": "x" * 65_600}}}, 413, "M_TOO_LARGE"),
]


@pytest.mark.parametrize(("messages", "status", "errcode"), BAD)
async def test_A3_a_bad_message_is_refused_and_nothing_of_its_request_sent(
    romeo: Phone, juliet: Phone, messages: Any, status: int, errcode: str
) -> None:
    if isinstance(messages, dict):
        messages = {romeo.user_id: {"*": {"n": 1}}, **messages}
    with pytest.raises(MatrixRefusal) as refusal:
        await send(romeo, messages, "1")
    assert (refusal.value.status, refusal.value.errcode) == (status, errcode)
    assert numbers(await romeo.get()) == []
    assert numbers(await juliet.get()) == []


async def test_A3_a_body_without_messages_is_refused(romeo: Phone) -> None:
    with pytest.raises(MatrixRefusal) as refusal:
        await romeo.call("PUT", "/sendToDevice/org.one/1", {"message": {}})
    assert refusal.value.errcode == "M_MISSING_PARAM"


@pytest.mark.parametrize(("kind", "txn"), [("x" * 256, "1"), ("org.one", "x" * 256)])
async def test_A3_long_names_are_refused(romeo: Phone, kind: str, txn: str) -> None:
    with pytest.raises(MatrixRefusal) as refusal:
        await send(romeo, {romeo.user_id: {"*": {}}}, txn, kind)
    assert refusal.value.errcode == "M_INVALID_PARAM"


async def test_whom_nobody_knows_is_passed_over(romeo: Phone, juliet: Phone) -> None:
    messages = {
        "@nobody:firn.test": {"*": {"n": 1}},
        "@juliet:elsewhere.example": {juliet.device_id: {"n": 2}},
        juliet.user_id: {"NOWHERE": {"n": 3}, "": {"n": 4}, juliet.device_id: {"n": 5}},
    }
    assert await send(romeo, messages, "1") == {}
    assert await send(romeo, {}, "2") == {}
    assert numbers(await juliet.get()) == [5]


async def test_what_a_message_says_of_its_sender_counts_for_nothing(
    romeo: Phone, juliet: Phone
) -> None:
    content = {"n": 1, "sender": "@prince:firn.test", "type": "m.room_key"}
    body = {"messages": {juliet.user_id: {"*": content}}, "sender": "@prince:firn.test"}
    await romeo.call("PUT", "/sendToDevice/org.one/1", body)
    (event,) = (await juliet.get())["to_device"]["events"]
    assert event["sender"] == romeo.user_id
    assert set(event) == {"type", "sender", "content"}
