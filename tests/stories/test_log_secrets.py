"""I13: a story at log level debug, after which no secret and no message is in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.client import Device, MatrixRefusal
from tests.support.server import running_firn
from tests.support.wire import ask

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "registration-token-of-the-story"
PASSWORD = "password of the story"
WORDS = "words that nobody else may read"


@pytest.mark.timeout(90)
async def test_I13_no_secret_and_no_message_is_logged(tmp_path: Path, store_url: str) -> None:
    settings = {
        "FIRN__LOG__LEVEL": "debug",
        "FIRN__REGISTRATION__OPEN": "false",
        "FIRN__REGISTRATION__TOKENS": TOKEN,
    }
    async with running_firn(tmp_path, store_url, **settings) as firn:
        secrets = await _story(firn.base, firn.port)
        await firn.restart()
        async with Device(firn.base) as again:
            again.token = secrets[0]
            await again.call("GET", "/sync", query={"access_token": secrets[1]})
    log = firn.log_file.read_text()
    assert "server.ready" in log
    assert "Malformed HTTP" in log
    seed = (tmp_path / "data" / "signing.key").read_text().split()[-1]
    for secret in (*secrets, TOKEN, PASSWORD, WORDS, seed):
        assert secret not in log, f"{secret[:12]}… is in the log"


async def _story(base: str, port: int) -> list[str]:
    """Register, talk, fail in many ways; returns the tokens that were used."""
    async with Device(base) as alice:
        stage = {"type": "m.login.registration_token", "token": TOKEN}
        wish = {"username": "alice", "password": PASSWORD, "refresh_token": True}
        with pytest.raises(MatrixRefusal) as asked:
            await alice.call("POST", "/register", wish)
        auth = {**stage, "session": asked.value.body["session"]}
        answer = await alice.call("POST", "/register", {**wish, "auth": auth})
        alice.token, refresh = answer["access_token"], answer["refresh_token"]
        alice.device_id = answer["device_id"]
        room = await alice.create_room(name=WORDS, topic=WORDS)
        event = await alice.send(room, WORDS)
        await alice.room_call("PUT", room, f"redact/{event}/t", {"reason": WORDS})
        await alice.sync()
        for path, body in (
            ("/login", {"type": "m.login.password", "user": "alice", "password": PASSWORD + "!"}),
            ("/login", {"type": "m.login.token", "token": alice.token}),
            ("/refresh", {"refresh_token": refresh + "x"}),
            (f"/rooms/{room}/join/{alice.token}", {"body": WORDS}),
            ("/account/password", {"new_password": PASSWORD}),
        ):
            with pytest.raises(MatrixRefusal):
                await alice.call("POST", path, body)
        pair = await alice.call("POST", "/refresh", {"refresh_token": refresh})
        for target in (
            f"/_matrix/client/v3/sync?access_token={alice.token}&since=x",
            f"/_matrix/client/v3/rooms/{alice.token}/state?access_token={pair['access_token']}",
        ):
            await ask(port, "GET", target)
        malformed = f"GET /{alice.token} HTTP/9\r\nAuthorization: Bearer {alice.token}\x00"
        await ask(port, malformed, "/x")
        return [
            pair["access_token"],
            alice.token,
            refresh,
            pair["refresh_token"],
        ]
