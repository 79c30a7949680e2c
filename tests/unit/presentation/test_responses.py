"""Responses refuse what would break out of a header."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import HttpVersion11

from homeserver.domain.shared.errors import MatrixError
from homeserver.presentation.middleware.errors import matrix_error_response
from homeserver.presentation.responses import Response


class Pipe:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes) -> None:
        self.data += data


async def written(response: Response) -> bytes:
    pipe = Pipe()
    raw: Any = SimpleNamespace(
        transport=pipe,
        protocol=SimpleNamespace(writing_paused=False),
        method="GET",
        version=HttpVersion11,
        keep_alive=True,
        writer=None,
    )
    await response.prepare(raw)
    await response.write_eof()
    return pipe.data


@pytest.mark.asyncio
@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\nb", "a\0", "é"])
async def test_E1_a_header_cannot_be_broken_out_of(value: str) -> None:
    response = Response(200, b"{}")
    response.headers["X-Name"] = value
    with pytest.raises(ValueError, match="not allowed"):
        await written(response)


@pytest.mark.asyncio
async def test_a_written_response_forgets_its_body_and_headers() -> None:
    response = Response(200, b"x" * 1000)
    response.headers["X-Name"] = "value"
    data = await written(response)
    assert data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nX-Name: value\r\n" in data
    assert data.endswith(b"Content-Length: 1000\r\n\r\n" + b"x" * 1000)
    assert (response.payload, len(response.headers)) == (b"", 0)


@pytest.mark.asyncio
async def test_no_content_has_neither_type_nor_length() -> None:
    data = await written(Response(204, b""))
    assert b"\r\nContent-" not in data
    assert data.endswith(b"\r\n\r\n")


def test_an_error_without_errcode_has_only_its_extra_keys() -> None:
    class UnauthenticatedError(MatrixError):
        status = 401
        errcode = ""

    response = matrix_error_response(UnauthenticatedError(flows=[], session="s"))
    assert (response.status, response.payload) == (401, b'{"flows":[],"session":"s"}')


def test_an_error_message_with_lone_surrogates_is_still_json() -> None:
    assert matrix_error_response(MatrixError("a\udcff")).payload.endswith(b'"error":"a?"}')
