"""Statistics of a run, each defined once; `docs/statistics.md` lists them.

`compute(record)` gives them all by name, `STATISTICS` says what they are, `format_value` writes them. NumPy is all
that it computes with: it is imported by commands that must answer at once.
"""

from __future__ import annotations

# The order of these imports is the order in which the statistics are shown.
# isort: off
from riskcontrol.statistics import returns, risk, drawdown, benchmark, activity, trips  # noqa: F401

# isort: on
from riskcontrol.statistics.formats import format_value, plain
from riskcontrol.statistics.record import Daily, Record
from riskcontrol.statistics.registry import STATISTICS, Need, Statistic, Unit, Value, compute, has
from riskcontrol.statistics.round_trips import Executions, OpenTrip, RoundTrips, executions, open_trip, round_trips

__all__ = [
    "STATISTICS",
    "Daily",
    "Executions",
    "Need",
    "OpenTrip",
    "Record",
    "RoundTrips",
    "Statistic",
    "Unit",
    "Value",
    "compute",
    "executions",
    "format_value",
    "has",
    "open_trip",
    "plain",
    "round_trips",
]
