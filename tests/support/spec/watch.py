"""Every answer that a test's clients read goes through here and is judged.

Two places are enough: aiohttp's response, which all our clients, matrix-nio and the Python SDK
read, and the raw connections of `wire.py`. `streaming.py` hands in the frames of the WebSocket
as the answers of /sync that they are. Only answers are judged: a test's request may be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import aiohttp

from tests.support.spec.document import document
from tests.support.spec.exceptions import is_excused
from tests.support.spec.judge import Answer, Judge

_OURS = ("/_matrix/", "/_firn/", "/.well-known/")


@dataclass
class Watch:
    """What was found in the test that runs, and what was met in it."""

    on: bool = False
    test: str = ""
    faults: list[str] = field(default_factory=list)
    met: set[tuple[str, str]] = field(default_factory=set)

    @cached_property
    def judge(self) -> Judge:
        """By the specification as it is here."""
        return Judge(document())

    def begin(self, test: str) -> None:
        """Another test begins."""
        self.test = test
        self.faults, self.met = [], set()

    def saw(self, answer: Answer) -> None:
        """Take note of an answer."""
        if not self.on or not answer.path.startswith(_OURS):
            return
        operation = self.judge.operation(answer.method, answer.path)
        if operation is not None and answer.status < 400:
            self.met.add((operation.method, operation.path))
        for fault in self.judge.faults(answer):
            if not is_excused(self.test, answer, fault):
                self.faults.append(f"{answer}: {fault}")


WATCH = Watch()
_read = aiohttp.ClientResponse.read


async def _watched_read(response: aiohttp.ClientResponse) -> bytes:
    first = response._body is None
    body = await _read(response)
    if first:
        kind = response.headers.get("Content-Type", "")
        path = response.url.raw_path
        WATCH.saw(Answer(response.method, path, response.status, kind, body))
    return body


def start() -> None:
    """Judge from now on."""
    WATCH.on = True
    aiohttp.ClientResponse.read = _watched_read  # type: ignore[method-assign,assignment]
