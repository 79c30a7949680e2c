"""The gateway of a cluster: who is sent where, and what clients notice when a part dies."""

from __future__ import annotations

import asyncio
import base64
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from tests.support.client import V3, Device, MatrixRefusal
from tests.support.invariants import messages
from tests.support.streaming import PROTOCOL, streaming
from tests.support.whole_cluster import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.support.whole_cluster import WholeCluster

pytestmark = [pytest.mark.rocketmq, pytest.mark.timeout(180)]
ROOMS = [f"!room{number}:firn.test" for number in range(30)]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(autouse=True)
async def all_serve(cluster: WholeCluster) -> None:
    """Whatever another test killed is back."""
    await serves_with_all(cluster)


async def serves_with_all(cluster: WholeCluster) -> None:
    """Wait until the gateway answers, from each of the workers."""
    missing = {address.removeprefix("http://") for address in cluster.workers}
    async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as fresh:
        while missing:
            try:
                async with fresh.get(f"{cluster.gateway}/_matrix/client/versions") as answer:
                    if answer.status == 200:
                        missing.discard(answer.headers["X-Served-By"])
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


class Asker:
    """Asks through the gateway, and says which workers (in the order of their names) answered."""

    def __init__(self, cluster: WholeCluster, http: aiohttp.ClientSession) -> None:
        self._cluster = cluster
        self._http = http

    async def workers(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> list[int]:
        """The workers that one request was given to; the last one answered."""
        url = URL(self._cluster.gateway + path, encoded=True)
        async with self._http.request(method, url, headers=headers) as answer:
            served = answer.headers["X-Served-By"].split(", ")
            return [self._cluster.index(address) for address in served]

    async def worker(self, path: str, **how: Any) -> int:
        """The one worker that a request was given to."""
        (found,) = await self.workers(path, **how)
        return found


async def test_requests_of_a_room_go_to_one_worker_whoever_asks_and_however_it_is_written(
    cluster: WholeCluster, http: aiohttp.ClientSession
) -> None:
    asker = Asker(cluster, http)
    homes = set()
    for number, room in enumerate(ROOMS):
        user = {"Authorization": f"Bearer token{number}"}
        home = await asker.worker(f"{V3}/rooms/{quote(room)}/state")
        assert home == await asker.worker(f"{V3}/rooms/{room}/messages?dir=b", headers=user)
        assert home == await asker.worker(
            f"{V3}/rooms/{quote(room)}/send/m.room.message/t", method="PUT", headers=user
        )
        assert home == await asker.worker(f"{V3}/join/{room}?via=firn.test", method="POST")
        assert home == await asker.worker(f"/_matrix/client/r0/rooms/{room}/members")
        homes.add(home)
    assert homes == {0, 1, 2}


async def test_an_alias_is_joined_and_looked_up_on_one_worker(
    cluster: WholeCluster, http: aiohttp.ClientSession
) -> None:
    asker = Asker(cluster, http)
    homes = set()
    for number in range(30):
        alias = quote(f"#town{number}:firn.test")
        home = await asker.worker(f"{V3}/join/{alias}", method="POST")
        assert home == await asker.worker(f"{V3}/knock/{alias}", method="POST")
        assert home == await asker.worker(f"{V3}/directory/room/{alias}")
        homes.add(home)
    assert homes == {0, 1, 2}


async def test_a_device_stays_on_one_worker_wherever_its_token_stands(
    cluster: WholeCluster, http: aiohttp.ClientSession
) -> None:
    asker = Asker(cluster, http)
    homes = set()
    for number in range(30):
        token = f"token{number}"
        header = {"Authorization": f"Bearer {token}"}
        home = await asker.worker(f"{V3}/sync", headers=header)
        assert home == await asker.worker(f"{V3}/sync?timeout=1&access_token={token}")
        assert home == await asker.worker(f"{V3}/account/whoami", headers=header)
        assert home == await asker.worker(f"{V3}/sync?access_token=other", headers=header)
        # a user's data about a room is the user's
        path = f"{V3}/user/@a:firn.test/rooms/{ROOMS[0]}/account_data/m.x"
        assert home == await asker.worker(path, headers=header)
        assert home == await asker.worker("/_firn/client/v1/stream", headers=header)
        homes.add(home)
    assert homes == {0, 1, 2}


async def test_a_browsers_sockets_stay_on_one_worker_and_who_has_no_token_is_spread(
    cluster: WholeCluster, http: aiohttp.ClientSession
) -> None:
    asker = Asker(cluster, http)
    homes = set()
    for number in range(40):
        encoded = base64.urlsafe_b64encode(b"token%d" % number).decode().rstrip("=")
        found = {
            await asker.worker(
                "/_firn/client/v1/stream", headers={"Sec-WebSocket-Protocol": offered}
            )
            for offered in (
                f"{PROTOCOL}, firn.token.{encoded}",
                f"firn.token.{encoded},{PROTOCOL}",
            )
        }
        assert len(found) == 1
        homes |= found
    assert homes == {0, 1, 2}
    assert {await asker.worker(f"{V3}/login") for _ in range(30)} == {0, 1, 2}


@pytest.mark.parametrize("browser", [False, True])
async def test_a_socket_through_the_gateway(cluster: WholeCluster, browser: bool) -> None:
    kind = "browser" if browser else "bot"
    async with Device(cluster.gateway) as ann, Device(cluster.gateway) as ben:
        await ann.register(f"ann-{kind}")
        await ben.register(f"ben-{kind}")
        room = await ann.create_room(preset="public_chat")
        await ben.room_call("POST", room, "join", {})
        async with streaming(ann, browser=browser) as hers:
            await hers.until(lambda: room in ann.rooms)
            await ben.send(room, "over HTTP")
            await hers.until(lambda: ann.rooms[room].bodies == ["over HTTP"])
            await hers.say(room, "over the socket")
            assert (await hers.ask(type="ping"))["type"] == "pong"
        while ben.rooms.get(room) is None or len(ben.rooms[room].bodies) < 2:
            await ben.sync(5000)
        assert ben.rooms[room].bodies == ["over HTTP", "over the socket"]


async def test_F1_killed_under_a_client_that_never_tries_again(
    cluster: WholeCluster, http: aiohttp.ClientSession
) -> None:
    """Every send through the gateway is answered 200 and is there once; the worker comes back."""
    async with Device(cluster.gateway) as talker:
        await talker.register("talker")
        room = await talker.create_room(preset="public_chat")
        asker = Asker(cluster, http)
        home = await asker.worker(f"{V3}/rooms/{quote(room)}/state")
        sent: list[str] = []

        async def say(text: str) -> None:
            sent.append(await talker.send(room, text, txn=text))

        async def talk(lane: int) -> None:
            for number in range(25):
                await say(f"{lane}.{number}")

        talking = asyncio.gather(*(talk(lane) for lane in range(4)))
        while len(sent) < 20:
            await asyncio.sleep(0.01)
        pid = cluster.kill(home)
        await asyncio.wait_for(talking, PATIENCE_S)
        await cluster.replaced(home, pid)
        assert cluster.pids[home] != pid
        assert len(set(sent)) == len(sent) == 100
        there: list[str] = []
        async with asyncio.timeout(PATIENCE_S):
            while sent[-1] not in there:  # the worker that is asked may be another
                events = await messages(talker, room)
                there = [e["event_id"] for e in events if e["type"] == "m.room.message"]
        assert sorted(there) == sorted(sent)
        async with asyncio.timeout(PATIENCE_S):  # its rooms come home
            while (await asker.workers(f"{V3}/rooms/{quote(room)}/state"))[-1] != home:
                await asyncio.sleep(0.1)


async def _join(device: Device, room: str) -> None:
    """Join, and again where the gateway had sent the request to a worker that died over it."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await device.room_call("POST", room, "join", {})
            except MatrixRefusal as refusal:
                if refusal.status != HTTPStatus.BAD_GATEWAY:
                    raise
            else:
                return


async def test_a_long_poll_is_answered_by_another_worker_when_its_own_is_killed(
    cluster: WholeCluster, http: aiohttp.ClientSession
) -> None:
    async with Device(cluster.gateway) as sleeper, Device(cluster.gateway) as waker:
        await sleeper.register("sleeper")
        await waker.register("waker")
        room = await sleeper.create_room(preset="public_chat")
        await sleeper.sync()
        bearer = {"Authorization": f"Bearer {sleeper.token}"}
        home = await Asker(cluster, http).worker(f"{V3}/account/whoami", headers=bearer)
        asleep = asyncio.create_task(sleeper.sync(50_000))
        await asyncio.sleep(0.5)
        assert not asleep.done()
        pid = cluster.kill(home)
        await _join(waker, room)
        await asyncio.wait_for(asleep, PATIENCE_S)
        assert ("m.room.member", waker.user_id) in sleeper.rooms[room].state
        await cluster.replaced(home, pid)


async def test_workers_believe_the_gateway_about_addresses_and_nobody_behind_it(
    cluster: WholeCluster,
) -> None:
    async with Device(cluster.gateway) as device:
        await device.register("elsewhere")
        connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
        headers = {
            "Authorization": f"Bearer {device.token}",
            "X-Forwarded-For": "203.0.113.9",
        }
        url = f"{cluster.gateway}{V3}/login"
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": "elsewhere"},
            "password": "correct horse",
        }
        async with (
            aiohttp.ClientSession(connector=connector) as far,
            far.post(url, json=body, headers=headers) as answer,
        ):
            login = await answer.json()
        devices = (await device.call("GET", "/devices"))["devices"]
        seen = {found["device_id"]: found["last_seen_ip"] for found in devices}
        assert seen[login["device_id"]] == "127.0.0.2"


async def test_what_the_gateway_itself_answers_is_json_that_browsers_may_read(
    cluster: WholeCluster, http: aiohttp.ClientSession
) -> None:
    big = cluster.gateway + f"{V3}/rooms/{ROOMS[0]}/send/m.room.message/big"
    async with http.put(big, data=BytesIO(b"x" * (1024 * 1024 + 1))) as answer:
        assert (answer.status, (await answer.json())["errcode"]) == (413, "M_TOO_LARGE")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    async with http.get(cluster.gateway + "/metrics") as answer:
        assert (answer.status, (await answer.json())["errcode"]) == (404, "M_UNRECOGNIZED")
    async with http.get(cluster.workers[0] + "/metrics") as answer:
        assert answer.status == 200


async def test_a_killed_gateway_comes_back(cluster: WholeCluster) -> None:
    pid = cluster.layout.gateway.pid()
    assert pid is not None
    cluster.kill_gateway()
    async with asyncio.timeout(PATIENCE_S):
        while cluster.layout.gateway.pid() in (None, pid):  # till then the old one's children serve
            await asyncio.sleep(0.05)
    await serves_with_all(cluster)
