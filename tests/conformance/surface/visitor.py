"""Asks what schemathesis makes of the specification, about things that there are."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

import requests

from tests.support.client import V3
from tests.support.spec.judge import Answer

if TYPE_CHECKING:
    from schemathesis import Case

_NUMBERS = count()
_SECONDS = 30
_TOKENS = ("from", "to", "since", "at")
"""Parameters that are opaque: an invented one is refused before anything is looked at."""
_LONGEST_WAIT_MS = 20
_ALWAYS_THERE = {
    "kind": "override",
    "ruleId": ".m.rule.suppress_notices",
    "keyName": "displayname",
    "eventType": "m.room.name",
    "stateKey": "",
    "receiptType": "m.read",
}
"""Names with few right values."""


class Visitor:
    """A user with a room, who is somebody new whenever the session has ended."""

    def __init__(self, base: str) -> None:
        """Talk to a server at this address."""
        self._base = base
        self._http = requests.Session()
        self._things: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Register."""
        self.renew()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._http.close()

    def renew(self) -> None:
        """Be somebody new."""
        self._http.headers.pop("Authorization", None)
        name = f"visitor{next(_NUMBERS)}"
        auth = {"type": "m.login.dummy"}
        body = {"username": name, "password": "correct horse", "auth": auth}
        found = self._ask("POST", "/register", body)
        self._http.headers["Authorization"] = f"Bearer {found['access_token']}"
        wanted = {"room_alias_name": name, "name": "Surface"}
        room_id = self._ask("POST", "/createRoom", wanted)["room_id"]
        room, user = quote(room_id, safe=""), quote(found["user_id"])
        message = {"msgtype": "m.text", "body": "here"}
        event = self._ask("PUT", f"/rooms/{room}/send/m.room.message/1", message)["event_id"]
        kept = self._ask("POST", f"/user/{user}/filter", {})["filter_id"]
        self._things = {
            "userId": found["user_id"],
            "deviceId": found["device_id"],
            "roomId": room_id,
            "roomIdOrAlias": room_id,
            "roomAlias": f"#{name}:firn.test",
            "eventId": event,
            "filterId": kept,
            **_ALWAYS_THERE,
        }

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> Any:
        answer = self._http.request(method, self._base + V3 + path, json=body, timeout=_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def ground(self, case: Case) -> None:
        """Let a case speak of things that there are; wait no longer than a test can."""
        for name in case.path_parameters:
            if name in self._things:
                case.path_parameters[name] = quote(self._things[name], safe="")
        for name in _TOKENS:
            case.query.pop(name, None)
        if isinstance(case.body, dict) and isinstance(case.body.get("user_id"), str):
            case.body["user_id"] = self._things["userId"]

    def call(self, case: Case) -> Answer:
        """Ask, and be somebody new if that ended the session."""
        wait = case.query.get("timeout")
        if isinstance(wait, int) and wait > _LONGEST_WAIT_MS:
            case.query["timeout"] = _LONGEST_WAIT_MS
        found = case.call(base_url=self._base, session=self._http, timeout=_SECONDS)
        kind = (found.headers.get("content-type") or [""])[0]
        path = urlsplit(str(found.request.url)).path
        if found.status_code == 401 and b"M_UNKNOWN_TOKEN" in found.content:
            self.renew()
        return Answer(case.method.upper(), path, found.status_code, kind, found.content)
