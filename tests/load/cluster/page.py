"""The results as docs/operate/benchmarks-cluster.md."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.load import machine
from tests.load.cluster.figures import BY_COUNT, MEASURES, MOST_TIMES, SENDS, summed_up
from tests.load.cluster.phases import COUNTS
from tests.load.measures import Measure, show
from tests.load.report import disturbance, markdown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.load.client import Line


def tables(lines: Sequence[Line]) -> str:
    """All tables; what was not measured is left out."""
    found = summed_up(lines)
    sends = [_by_count(found, key, title) for key, title in SENDS]
    return "\n".join([*filter(None, sends), _others(found)])


def _by_count(found: Mapping[str, Line], key: str, title: str) -> str:
    runs = [found.get(f"{key}.{count}", {}) for count in COUNTS]
    if not all(runs):
        return ""
    names = [f"{count} worker{'s' if count > 1 else ''}" for count in COUNTS]
    head = [title, *names, "target", ""]
    return markdown(head, (_row(title, field, runs) for title, field in BY_COUNT))


def _row(title: str, field: str, runs: Sequence[Line]) -> list[str]:
    target = MOST_TIMES if field == "times" else None
    measure = Measure(title, "", field, target)
    values = [float(run[field]) for run in runs]
    return [title, *(show(v) for v in values), measure.bound, measure.verdict(max(values))]


def _others(found: Mapping[str, Line]) -> str:
    rows = []
    for measure in MEASURES:
        value = measure.value(found)
        if value is not None:
            rows.append([measure.title, show(value), measure.bound, measure.verdict(value)])
    return markdown(["", "Firn", "target", ""], rows)


def page(lines: Sequence[Line], command: str, store: str) -> str:
    """The whole page."""
    facts = {**machine.describe(), "store": store, "bus": "RocketMQ 5.3, one broker"}
    listed = "".join(f"- {name}: {value}\n" for name, value in facts.items())
    day = datetime.now(UTC).date().isoformat()
    quiet = disturbance((str(line["key"]), line) for line in lines)
    return f"""# Benchmarks of a cluster

Written by `{command}` on {day}; run it again to measure your own machine (it needs
`make services`). It starts workers on a fresh MariaDB database, Redis and RocketMQ, loads
them over HTTP and WebSockets on loopback with [csload](../../tests/load/csload/README.md), and stops
them. All workers, the services and the load generator share the cores: **more workers
share the same processors here**, so rates show what clustering costs, not what it brings.

CPU is that of workers, database and Redis together, per operation (of a message: the
send and all its deliveries). The broker, a Java process that uses some 5 to 10 % of a core when
nothing happens, is shown beside it. *Each room at its worker*: requests go where a gateway
would send them. With 32 senders in all, the batches of three workers have a third of the sends of one worker's,
and each batch has a cost of its own; with 32 for each worker they are alike. *Across workers*: the senders are all on one worker and the receivers
all on another. What is compared was measured in turns; the figures are medians.
How it is measured: [subsystems/load.md](../subsystems/load.md). One process alone:
[benchmarks](benchmarks.md).

{tables(lines)}
*Back to normal*: the median delivery is at most twice the one before the fault (and 10 ms).
While there is no bus, or no route, workers find what others wrote by reading the log every 400 ms.

{quiet}

{listed}"""
