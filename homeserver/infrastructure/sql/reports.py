"""`ReportStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, or_, select

from homeserver.application.ports.report_store import Report
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.types import OPEN
from homeserver.infrastructure.sql.writes import Insert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Reader
    from homeserver.infrastructure.sql.writes import Row

INSERT_REPORT = Insert(t.report, 64)
_r = t.report.c
_NEWEST = Query(
    select(*t.report.columns)
    .where(
        or_(
            _r.ts < bindparam("ts_"),
            and_(_r.ts == bindparam("ts_"), _r.nid < bindparam("nid_")),
        )
    )
    .order_by(_r.ts.desc(), _r.nid.desc())
    .limit(bindparam("n"))
)


class SqlReportStore:
    """See `ReportStore`."""

    def __init__(self, reader: Reader) -> None:
        """Read here."""
        self._reader = reader

    def add(self, draft: Draft, report: Report) -> None:
        """See `ReportStore.add`."""
        named = (report.room_id, report.event_id, report.user_id)
        ids = tuple(name.encode() if name is not None else None for name in named)
        reason = report.reason.encode()
        draft.write(INSERT_REPORT, (report.nid, report.ts, report.reporter_nid, *ids, reason))

    async def newest(self, limit: int, before: Report | None = None) -> Sequence[Report]:
        """See `ReportStore.newest`."""
        ts, nid = (OPEN, 0) if before is None else (before.ts, before.nid)
        rows = await self._reader.fetch(_NEWEST, ts_=ts, nid_=nid, n=limit)
        return [_report(row) for row in rows]


def _report(row: Row) -> Report:
    nid, ts, reporter_nid, *names, reason = row
    ids = [name.decode() if name is not None else None for name in names]
    return Report(nid, ts, reporter_nid, reason.decode(), *ids)
