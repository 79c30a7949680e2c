"""Logs are JSON with trace ids and without secrets (I13)."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from homeserver.config import LiveSettings, load
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.telemetry.logs import configure_logs
from homeserver.infrastructure.telemetry.redact import clean_text
from homeserver.infrastructure.telemetry.trace import Traces, bound

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "hunter2hunter2"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    handlers, level = logging.root.handlers, logging.root.level
    stream = io.StringIO()
    configure_logs(LiveSettings(load(None, {})), stream)
    yield stream
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_json_line_with_level_time_and_trace(stream: io.StringIO) -> None:
    trace = Traces(SystemIds()).begin()
    with bound(trace):
        structlog.get_logger().info("room created", room_id="!r:x", members=3)
    (record,) = records(stream)
    assert record["event"] == "room created"
    assert (record["room_id"], record["members"], record["level"]) == ("!r:x", 3, "info")
    assert (record["trace_id"], record["span_id"]) == (trace.trace_id, trace.span_id)
    assert record["timestamp"].endswith("Z")


def test_logging_of_libraries_comes_out_the_same_way(stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning("GET /sync?access_token=%s took long", SECRET)
    (record,) = records(stream)
    assert record["level"] == "warning"
    assert SECRET not in record["event"]


@pytest.mark.parametrize(
    "fields",
    [
        {"access_token": SECRET},
        {"accessToken": SECRET},
        {"password": SECRET},
        {"signing_key": SECRET},
        {"content": {"body": SECRET}},
        {"request": {"identifier": 1, "password": SECRET}},
        {"deep": [[{"token": SECRET}]]},
        {"endless": [[[[[[[[SECRET]]]]]]]]},
        {"url": f"mysql://firn:{SECRET}@127.0.0.1/x"},
        {"path": f"/_matrix/client/v3/sync?access_token={SECRET}&timeout=0"},
        {"header": f"Authorization: Bearer {SECRET}"},
        {"header": f'X-Matrix origin="a",key="ed25519:1",sig="{SECRET}"'},
        {"text": f'{{"msgtype": "m.text", "body": "dear {SECRET}, I"}}'},
        {"text": f"{{'password': '{SECRET}'}}"},
        {"raw": f'{{"body":"{SECRET}"}}'.encode()},
    ],
)
def test_I13_no_secret_and_no_message_body_in_a_record(
    stream: io.StringIO, fields: dict[str, Any]
) -> None:
    structlog.get_logger().warning("refused", **fields)
    (record,) = records(stream)
    assert record["event"] == "refused"
    assert SECRET not in stream.getvalue()


def test_I13_no_secret_in_a_traceback(stream: io.StringIO) -> None:
    try:
        raise ValueError(f"cannot parse access_token={SECRET}")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "ValueError" in stream.getvalue()
    assert SECRET not in stream.getvalue()


@pytest.mark.parametrize("text", ["token bucket is empty", "joined !r:x at 12:30", "keyboard"])
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert clean_text(text) == text


def test_the_level_follows_a_reload() -> None:
    environ = {"FIRN__LOG__LEVEL": "warning"}
    live = LiveSettings(load(None, environ), lambda: load(None, environ))
    stream, level, handlers = io.StringIO(), logging.root.level, logging.root.handlers
    try:
        configure_logs(live, stream)
        log = structlog.get_logger("level")
        log.info("too quiet")
        environ["FIRN__LOG__LEVEL"] = "debug"
        live.reload()
        log.debug("heard")
    finally:
        logging.root.handlers = handlers
        logging.root.setLevel(level)
        structlog.reset_defaults()
    assert [record["event"] for record in records(stream)] == ["heard"]
