"""Topics and groups, over RocketMQ's remoting protocol: no Python client can make them.

A request and its answer are `length | header length | header (JSON) | body`; a connection is
made for each, because there are a few in a worker's life. Everything here blocks.
https://github.com/apache/rocketmq, `RequestCode` and `ResponseCode`.
"""

from __future__ import annotations

import json
import re
import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT_S = 2.0
_MOST_BYTES = 64 * 1024 * 1024

_UPDATE_TOPIC = 17
_ROUTE = 105
_CLUSTER = 106
_ALL_TOPICS = 206
_DELETE_GROUP = 207
_DELETE_TOPIC_IN_BROKER = 215
_DELETE_TOPIC_IN_NAME_SERVER = 216

_SUCCESS = 0
_NO_SUCH_TOPIC = 17
_READ_AND_WRITE = 6
_MASTER = "0"
_JSON_WITH_NUMBERS_AS_KEYS = re.compile(rb"([{,])(\d+):")


class RefusedError(OSError):
    """The name server or broker answered with an error."""

    def __init__(self, code: int, remark: str) -> None:
        super().__init__(f"code {code}: {remark}")
        self.code = code


class Admin:
    """Asks name servers and brokers; every method raises OSError where one cannot be reached."""

    def __init__(self, namesrv: str) -> None:
        """Use these name servers: `host:port`, several separated by `;`."""
        self._name_servers = [server.strip() for server in namesrv.split(";") if server.strip()]

    def brokers(self) -> Sequence[str]:
        """Return the masters' addresses, `host:port`."""
        table = _loads(self._ask_names(_CLUSTER))["brokerAddrTable"]
        addresses = (broker["brokerAddrs"] for broker in table.values())
        return [at[_MASTER] for at in addresses if _MASTER in at]

    def topics(self) -> Sequence[str]:
        """Return the names of all topics."""
        topics: list[str] = _loads(self._ask_names(_ALL_TOPICS))["topicList"]
        return topics

    def create_topic(self, topic: str) -> None:
        """Make a topic of one queue on every master; one that exists stays as it is."""
        brokers = self.brokers()
        if not brokers:
            raise ConnectionError("no broker has registered with the name server")
        fields = {
            "topic": topic,
            "defaultTopic": "TBW102",
            "readQueueNums": 1,
            "writeQueueNums": 1,
            "perm": _READ_AND_WRITE,
            "topicFilterType": "SINGLE_TAG",
            "topicSysFlag": 0,
            "order": "false",
        }
        for broker in brokers:
            _call(broker, _UPDATE_TOPIC, fields)

    def has_route(self, topic: str) -> bool:
        """Whether clients are told where a topic is."""
        try:
            self._ask_names(_ROUTE, {"topic": topic})
        except RefusedError as error:
            if error.code == _NO_SUCH_TOPIC:
                return False
            raise
        return True

    def delete_topic(self, topic: str) -> None:
        """Delete a topic with what is in it; one that is not there is no error."""
        for broker in self.brokers():
            _call(broker, _DELETE_TOPIC_IN_BROKER, {"topic": topic})
        for server in self._name_servers:
            _call(server, _DELETE_TOPIC_IN_NAME_SERVER, {"topic": topic})

    def delete_group(self, group: str) -> None:
        """Delete a group of consumers and how far it has read."""
        for broker in self.brokers():
            _call(broker, _DELETE_GROUP, {"groupName": group, "cleanOffset": "true"})

    def _ask_names(self, code: int, fields: Mapping[str, object] | None = None) -> bytes:
        """Ask the first name server that answers."""
        failure: OSError = ConnectionError("no name server is set")
        for server in self._name_servers:
            try:
                return _call(server, code, fields)
            except RefusedError:
                raise
            except OSError as error:
                failure = error
        raise failure


def _loads(body: bytes) -> Any:
    return json.loads(_JSON_WITH_NUMBERS_AS_KEYS.sub(rb'\1"\2":', body))


def _call(address: str, code: int, fields: Mapping[str, object] | None = None) -> bytes:
    """Return the body of the answer; raises OSError, RefusedError among them."""
    request = {
        "code": code,
        "language": "PYTHON",
        "version": 317,
        "opaque": 1,
        "flag": 0,
        "serializeTypeCurrentRPC": "JSON",
        "extFields": {name: str(value) for name, value in (fields or {}).items()},
    }
    header = json.dumps(request).encode()
    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S) as connection:
        connection.sendall(struct.pack(">II", 4 + len(header), len(header)) + header)
        (size,) = struct.unpack(">I", _receive(connection, 4))
        if size > _MOST_BYTES:
            raise ConnectionError(f"{address} does not speak RocketMQ's protocol")
        answer = _receive(connection, size)
    end = 4 + (int.from_bytes(answer[:4], "big") & 0xFFFFFF)
    answered = _loads(answer[4:end])
    if answered["code"] != _SUCCESS:
        raise RefusedError(answered["code"], str(answered.get("remark"))[:200])
    return answer[end:]


def _receive(connection: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        part = connection.recv(min(count - len(received), 65536))
        if not part:
            raise ConnectionError("the connection was closed")
        received += part
    return bytes(received)
