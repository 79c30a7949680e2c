"""Results as a table for people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.load import machine
from tests.load.measures import MEASURES, QUIET, is_disturbed, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.load.client import Line
    from tests.load.measures import Measure

_TITLES = {"sqlite": "Firn, SQLite", "mysql": "Firn, MariaDB"}

Runs = dict[str, dict[str, "Line"]]


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; all columns but the first are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def table(runs: Mapping[str, dict[str, Line]]) -> str:
    """Every measure with its target and Synapse's figure; a run is keyed by its store."""
    head = ["", *(_TITLES[kind] for kind in runs), "target (MariaDB)", "", "Synapse"]
    return markdown(head, (_row(measure, runs) for measure in MEASURES))


def _row(measure: Measure, runs: Mapping[str, dict[str, Line]]) -> list[str]:
    values = {kind: measure.value(lines) for kind, lines in runs.items()}
    cells = ["" if v is None else show(v) for v in values.values()]
    judged = values.get("mysql")
    verdict = "" if judged is None else measure.verdict(judged)
    return [measure.title, *cells, measure.bound, verdict, measure.synapse]


def disturbance(lines: Iterable[tuple[str, Line]]) -> str:
    """A sentence about the phases, by name, during which something else used the machine."""
    noisy = [f"{name} ({line['other_cores']})" for name, line in lines if is_disturbed(line)]
    if not noisy:
        return "Nothing else used the machine."
    listed = ", ".join(noisy)
    return f"Something else used the machine (`other_cores` over {QUIET}) in: {listed}."


def page(runs: Mapping[str, dict[str, Line]], command: str, stores: Iterable[str]) -> str:
    """docs/operate/benchmarks.md."""
    phases = ((f"{kind} {key}", line) for kind, of in runs.items() for key, line in of.items())
    facts = {**machine.describe(), "stores": ", ".join(stores)}
    listed = "".join(f"- {name}: {value}\n" for name, value in facts.items())
    day = datetime.now(UTC).date().isoformat()
    return f"""# Benchmarks

Written by `{command}` on {day}; run it again to measure your own machine. It starts
`firn serve` on a fresh store, loads it over HTTP on loopback with
[csload](../../tests/load/csload/README.md), and stops it. One server process, its database
and the load generator share the cores.

CPU is server plus database, per operation (of a message: the send and all its
deliveries); it depends less on what else runs than rates and latencies. What something else disturbed
is run up to three times: the least disturbed run counts, and the failures of all. The targets are
for MariaDB with durable commits. Synapse's column is for comparison:
figures given beforehand, not measured by this command.

{table(runs)}
{disturbance(phases)}

{listed}"""
