"""Logs: one JSON object a line on standard error, with trace ids, without secrets.

`logger = structlog.get_logger()` and `logger.info("room created", room_id=…)`: the
event is a constant phrase, what varies goes into fields. Libraries that use `logging`
come out the same way.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import structlog

from homeserver.infrastructure.telemetry.redact import redact
from homeserver.infrastructure.telemetry.trace import current

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence
    from typing import TextIO

    from homeserver.config import LiveSettings, Settings


def configure_logs(settings: LiveSettings, stream: TextIO = sys.stderr) -> None:
    """Set up logging for the process and follow changes of `log.level`."""
    shared: Sequence[Any] = (
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_trace,
        structlog.processors.format_exc_info,
        redact,
    )
    console = settings.current.log.format == "console"
    renderer = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.root.handlers = [handler]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    _set_level(settings.current)
    settings.on_change(_set_level)


def add_trace(
    _logger: Any,
    _method: str,
    record: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """Add the ids of the trace that the task works for."""
    trace = current()
    if trace is not None:
        record["trace_id"], record["span_id"] = trace.trace_id, trace.span_id
    return record


def _set_level(settings: Settings) -> None:
    logging.root.setLevel(settings.log.level.upper())
