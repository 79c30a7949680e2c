"""Sending to devices, and what a device got, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from tests.support.client import Device

KIND = "org.firn.test"


async def send(sender: Device, messages: Any, txn: str, kind: str = KIND) -> Any:
    """`PUT /sendToDevice`."""
    path = f"/sendToDevice/{quote(kind, safe='')}/{quote(txn, safe='')}"
    return await sender.call("PUT", path, {"messages": messages})


async def tell(sender: Device, receiver: Device, *numbers: int) -> None:
    """Send numbered messages to a device, one request after the other."""
    for number in numbers:
        to = {receiver.user_id: {receiver.device_id: {"n": number}}}
        await send(sender, to, f"{receiver.device_id}-{number}")


def numbers(answer: dict[str, Any]) -> list[int]:
    """The numbers of the messages in an answer of /sync."""
    return [event["content"]["n"] for event in answer.get("to_device", {}).get("events", [])]


async def command(sender: Device, user_id: str, **body: Any) -> dict[str, Any]:
    """`POST …/terminals/send`; by default a command to all terminals."""
    wanted = {"type": KIND, "content": {"n": 1}, "txn_id": "t1", "devices": "*", **body}
    path = f"/_firn/admin/v1/users/{quote(user_id)}/terminals/send"
    found: dict[str, Any] = await sender.call("POST", path, wanted)
    return found
