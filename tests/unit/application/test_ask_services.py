"""Asking services: once for all who ask at the same time, and again where none answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from homeserver.application.appservices import ask_services
from homeserver.application.appservices.ask_services import AskServices, ServiceSilentError
from homeserver.application.ports.service_client import Reply, ServiceAwayError
from homeserver.domain.appservices.registration import Namespace, Registration
from homeserver.domain.appservices.services import Services

if TYPE_CHECKING:
    from homeserver.application.ports.service_client import Call

KNOWN = Reply(200, b"{}")


@dataclass
class Client:
    """Answers what it is told to, once it may."""

    replies: list[Reply | None]
    calls: list[str] = field(default_factory=list)
    may: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, service: Registration, call: Call, seconds: float) -> Reply:
        """Give the next reply; None is nobody there."""
        assert seconds > 0
        self.calls.append(f"{service.id} {call.path}")
        await self.may.wait()
        reply = self.replies.pop(0)
        if reply is None:
            raise ServiceAwayError
        return reply

    async def close(self) -> None:
        """Nothing to close."""


def services(*ids: str) -> Services:
    """Services for everything."""
    every = Namespace(".", exclusive=False, matches=lambda _: True)
    return Services(
        {
            each: Registration(
                id=each,
                url="http://x",
                as_token_hash=each.encode(),
                hs_token="h",
                sender=f"@{each}:firn.test",
                users=(every,),
            )
            for each in ids
        }
    )


async def test_several_who_ask_for_one_user_share_the_answer() -> None:
    client = Client([KNOWN])
    ask = AskServices(lambda: services("one"), client)
    asking = [asyncio.create_task(ask.for_user("@x:firn.test")) for _ in range(3)]
    while not client.calls:
        await asyncio.sleep(0)
    asking.append(asyncio.create_task(ask.for_user("@x:firn.test")))
    await asyncio.sleep(0)
    client.may.set()
    assert await asyncio.gather(*asking) == [True] * 4
    assert client.calls == ["one /users/%40x%3Afirn.test"]


async def test_the_next_service_is_asked_where_one_knows_nobody() -> None:
    client = Client([Reply(404, b"{}"), KNOWN])
    client.may.set()
    assert await AskServices(lambda: services("one", "two"), client).for_user("@x:firn.test")
    assert [call.split()[0] for call in client.calls] == ["one", "two"]


async def test_an_attempt_that_fails_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask_services, "PAUSE_SECONDS", 0.0)
    client = Client([None, None, KNOWN])
    client.may.set()
    assert await AskServices(lambda: services("one"), client).for_user("@x:firn.test")
    client.replies = [None, None, None]
    with pytest.raises(ServiceSilentError):
        await AskServices(lambda: services("one"), client).for_user("@x:firn.test")


async def test_without_a_service_nobody_is_asked() -> None:
    client = Client([])
    assert not await AskServices(services, client).for_user("@x:firn.test")
    assert not await AskServices(lambda: services("one"), client).for_alias("#x:firn.test")
