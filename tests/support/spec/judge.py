"""Whether an answer of the client-server API is one that the specification allows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import jsonschema_rs
import msgspec

from tests.support.spec.bundle import EVENTS
from tests.support.spec.document import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_URI = "urn:firn:spec"
_JSON = "application/json"
_NO_BODY = frozenset({"HEAD", "OPTIONS"})
_FOR_PEOPLE = ("/health/", "/metrics")
"""These are for load balancers and Prometheus: no Matrix."""
_OLD = "/_matrix/client/r0/"
_NOW = "/_matrix/client/v3/"
_VARIABLE, _END = object(), object()
_LONG = 300
_PARTS_OF_A_ROOM = ("state", "state_after", "timeline", "ephemeral", "account_data")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came for a request; `path` without query, still percent-encoded."""

    method: str
    path: str
    status: int
    content_type: str
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {unquote(self.path)} -> {self.status}"


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path of the specification."""

    method: str
    path: str
    responses: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Judge:
    """Judges answers by one document; validators are made once, when they are needed."""

    def __init__(self, document: dict[str, Any]) -> None:
        """Make the table of paths."""
        self._document = document
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        self._trie: dict[Any, Any] = {}
        for path, item in document["paths"].items():
            for method in METHODS:
                if method in item:
                    found = Operation(method.upper(), path, item[method]["responses"])
                    self._add(found)

    def _add(self, operation: Operation) -> None:
        node = self._trie
        for part in operation.path.split("/"):
            node = node.setdefault(_VARIABLE if part.startswith("{") else part, {})
        node.setdefault(_END, {})[operation.method] = operation

    @cached_property
    def _registry(self) -> jsonschema_rs.Registry:
        return jsonschema_rs.Registry([(_URI, self._document)])

    def operation(self, method: str, path: str) -> Operation | None:
        """Which one a request asks for; r0 is v3 under its old name."""
        if path.startswith(_OLD):
            path = _NOW + path.removeprefix(_OLD)
        methods = _found(self._trie, path.split("/")) or _found(self._trie, [*path.split("/"), ""])
        return methods.get(method)

    def faults(self, answer: Answer) -> list[str]:
        """What is wrong with an answer, in words; nothing if all is well."""
        if answer.method in _NO_BODY or answer.path.startswith(_FOR_PEOPLE):
            return []
        operation = self.operation(answer.method, answer.path)
        return list(self._faults(answer, operation))

    def _faults(self, answer: Answer, operation: Operation | None) -> Iterator[str]:
        if answer.status == 500:
            yield "an internal error"
        named = operation.responses.get(str(answer.status)) if operation else None
        if operation is None or named is None:
            if answer.status >= 400:
                yield from self._by_schema(answer, "#/components/schemas/error")
            elif operation is not None:
                yield f"the specification has no {answer.status} here"
        elif _JSON in named.get("content", {}):
            yield from self._by_schema(answer, _pointer(operation, answer.status))

    def _by_schema(self, answer: Answer, pointer: str) -> Iterator[str]:
        if answer.content_type.partition(";")[0] != _JSON:
            yield f"the content type is {answer.content_type!r}"
        try:
            body = msgspec.json.decode(answer.body)
        except ValueError:
            yield "the body is no JSON"
            return
        if answer.status >= 400:
            yield from _as_error(body)
        validator = self._validator(pointer)
        if not validator.is_valid(body):
            yield from _explained(validator, body)
        elif answer.status == 200 and answer.path.endswith("/sync"):
            yield from self._events(body)

    def _events(self, body: Any) -> Iterator[str]:
        """The content of those events in an answer of /sync that a server makes."""
        for event in _events_of_sync(body):
            if event["type"] in EVENTS:
                schema = f"#/components/schemas/{event['type']}/properties/content"
                validator = self._validator(schema)
                if not validator.is_valid(event["content"]):
                    faults = _explained(validator, event["content"])
                    yield from (f"{event['type']}: {fault}" for fault in faults)

    def _validator(self, pointer: str) -> jsonschema_rs.Validator:
        found = self._validators.get(pointer)
        if found is None:
            schema = {"$ref": f"{_URI}{pointer}"}
            found = jsonschema_rs.validator_for(schema, registry=self._registry)
            self._validators[pointer] = found
        return found


def _pointer(operation: Operation, status: int) -> str:
    path = quote(operation.path.replace("~", "~0").replace("/", "~1"))
    responses = f"#/paths/{path}/{operation.method.lower()}/responses"
    return f"{responses}/{status}/content/application~1json/schema"


def _found(node: dict[Any, Any], parts: list[str]) -> dict[str, Operation]:
    """The methods of a path; what is written out wins over variables, which may be empty."""
    if not parts:
        found: dict[str, Operation] = node.get(_END, {})
        return found
    rest = parts[1:]
    literal = _found(node[parts[0]], rest) if parts[0] in node else {}
    return literal or (_found(node[_VARIABLE], rest) if _VARIABLE in node else {})


def _events_of_sync(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in ("account_data", "presence"):
        yield from body.get(part, {}).get("events", ())
    rooms = body.get("rooms", {})
    for kind in ("join", "leave"):
        for room in rooms.get(kind, {}).values():
            for part in _PARTS_OF_A_ROOM:
                yield from room.get(part, {}).get("events", ())


def _as_error(body: Any) -> Iterator[str]:
    if isinstance(body, dict) and "flows" in body and "errcode" not in body:
        return  # the first question of user-interactive authentication
    for name in ("errcode", "error"):
        if not isinstance(body, dict) or not isinstance(body.get(name), str):
            yield f"an error without {name}"


def _explained(validator: jsonschema_rs.Validator, body: Any) -> Iterator[str]:
    for error in validator.iter_errors(body):
        where = "/".join(map(str, error.instance_path)) or "the body"
        text = error.message
        yield f"{where}: {text if len(text) < _LONG else f'{text[:200]} … {text[-100:]}'}"
