"""A small Matrix client for tests: one user's device, which keeps what /sync told it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import aiohttp

if TYPE_CHECKING:
    from types import TracebackType

V3 = "/_matrix/client/v3"


class MatrixRefusal(Exception):  # noqa: N818 (an answer of the server)
    """An answer other than 200."""

    def __init__(self, status: int, body: Any, headers: Any = None) -> None:
        """Keep status and error object."""
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}

    @property
    def errcode(self) -> str:
        """The Matrix error code."""
        return str(self.body.get("errcode", ""))


@dataclass
class RoomSeen:
    """A room as a device knows it from its syncs."""

    timeline: list[dict[str, Any]] = field(default_factory=list)
    state: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    receipts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    typing: list[str] = field(default_factory=list)
    account_data: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    prev_batch: str = ""
    limited: bool = False

    @property
    def bodies(self) -> list[str]:
        """The texts of the messages, in order."""
        found = (e for e in self.timeline if e["type"] == "m.room.message")
        return [e["content"].get("body", "") for e in found]

    def apply(self, part: dict[str, Any]) -> None:
        """Take in one `rooms.join` entry."""
        timeline = part["timeline"]
        self.limited = timeline["limited"]
        if self.limited:
            self.timeline = []
        if self.limited or not self.prev_batch:
            self.prev_batch = timeline["prev_batch"]
        for event in part.get("state", {}).get("events", []):
            self._set(event)
        for event in timeline["events"]:
            self.timeline.append(event)
            self._set(event)
        for event in part.get("state_after", {}).get("events", []):
            self._set(event)
        for event in part.get("ephemeral", {}).get("events", []):
            self._ephemeral(event)
        for event in part.get("account_data", {}).get("events", []):
            self.account_data[event["type"]] = event["content"]
        self.unread = part.get("unread_notifications", self.unread)
        self.summary.update(part.get("summary", {}))

    def _set(self, event: dict[str, Any]) -> None:
        if "state_key" in event:
            self.state[event["type"], event["state_key"]] = event

    def _ephemeral(self, event: dict[str, Any]) -> None:
        if event["type"] == "m.typing":
            self.typing = event["content"]["user_ids"]
            return
        for event_id, kinds in event["content"].items():
            for kind, users in kinds.items():
                for user, data in users.items():
                    self.receipts[user, kind, data.get("thread_id", "")] = event_id


class Device:
    """One logged-in device over HTTP."""

    def __init__(self, base: str) -> None:
        """Talk to a server at this address."""
        self.base = base
        self.user_id = ""
        self.device_id = ""
        self.token = ""
        self.refresh_token = ""
        self.since: str | None = None
        self.rooms: dict[str, RoomSeen] = {}
        self.invited: dict[str, list[dict[str, Any]]] = {}
        self.left: dict[str, RoomSeen] = {}
        self.account_data: dict[str, Any] = {}
        self._txn = 0
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open connections as they are needed."""
        self._http = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        if self._http is not None:
            await self._http.close()

    async def call(
        self, method: str, path: str, body: Any = None, query: dict[str, Any] | None = None
    ) -> Any:
        """Make a request under the client API. Raises MatrixRefusal."""
        status, text, headers = await self._ask(method, path, body, query, self.token)
        found = json.loads(text)
        if status != 200:
            raise MatrixRefusal(status, found, headers)
        return found

    async def raw(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: dict[str, Any] | None = None,
        *,
        token: str | None = None,
    ) -> tuple[int, str]:
        """Make a request, whatever comes of it: status and text. `token` in the place of its own."""
        status, text, _ = await self._ask(
            method, path, body, query, self.token if token is None else token
        )
        return status, text

    async def _ask(
        self, method: str, path: str, body: Any, query: dict[str, Any] | None, token: str
    ) -> tuple[int, str, dict[str, str]]:
        if self._http is None:
            self._http = aiohttp.ClientSession()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = self.base + (path if path.startswith("/_") else V3 + path)
        params = {k: str(v) for k, v in (query or {}).items() if v is not None}
        async with self._http.request(
            method, _encoded(url), json=body, params=params, headers=headers
        ) as answer:
            return answer.status, await answer.text(), dict(answer.headers)

    async def register(self, name: str, password: str = "correct horse") -> Device:
        """Make an account and be its first device."""
        body = {"username": name, "password": password, "auth": {"type": "m.login.dummy"}}
        self._take(await self.call("POST", "/register", body))
        return self

    async def login(self, name: str, password: str = "correct horse") -> Device:
        """Be a new device of an account."""
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": name},
            "password": password,
        }
        self._take(await self.call("POST", "/login", body))
        return self

    def _take(self, answer: dict[str, Any]) -> None:
        self.user_id = answer["user_id"]
        self.token = answer["access_token"]
        self.device_id = answer["device_id"]
        self.refresh_token = answer.get("refresh_token", "")

    async def create_room(self, **wanted: Any) -> str:
        """Create a room; returns its id."""
        return str((await self.call("POST", "/createRoom", wanted))["room_id"])

    async def send(
        self, room: str, text: str = "", *, txn: str | None = None, **content: Any
    ) -> str:
        """Send a message; returns its event id."""
        if txn is None:
            self._txn += 1
            txn = f"{self.device_id}-{self._txn}"
        content = content or {"msgtype": "m.text", "body": text}
        path = f"/rooms/{quote(room)}/send/m.room.message/{txn}"
        return str((await self.call("PUT", path, content))["event_id"])

    async def room_call(
        self, method: str, room: str, rest: str, body: Any = None, **query: Any
    ) -> Any:
        """Make a request under a room."""
        return await self.call(method, f"/rooms/{quote(room)}/{rest}", body, query)

    async def sync(self, timeout_ms: int = 0, **query: Any) -> dict[str, Any]:
        """Sync once and take everything in."""
        found: dict[str, Any] = await self.call(
            "GET", "/sync", query={"since": self.since, "timeout": timeout_ms, **query}
        )
        self.take_in(found)
        return found

    def take_in(self, found: dict[str, Any]) -> None:
        """Take in an answer, of /sync or of a frame."""
        self.since = found["next_batch"]
        for event in found.get("account_data", {}).get("events", []):
            self.account_data[event["type"]] = event["content"]
        rooms = found.get("rooms", {})
        for room_id, part in rooms.get("join", {}).items():
            self.invited.pop(room_id, None)
            self.left.pop(room_id, None)
            self.rooms.setdefault(room_id, RoomSeen()).apply(part)
        for room_id, part in rooms.get("invite", {}).items():
            self.invited[room_id] = part["invite_state"]["events"]
        for room_id, part in rooms.get("leave", {}).items():
            self.invited.pop(room_id, None)
            seen = self.rooms.pop(room_id, RoomSeen())
            seen.apply(part)
            self.left[room_id] = seen


def _encoded(url: str) -> Any:
    """A URL that is encoded already: aiohttp must not decode `%2F`."""
    from yarl import URL

    return URL(url, encoded=True)
