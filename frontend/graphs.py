"""How graphs behave on every page."""

from __future__ import annotations

from typing import Any

GRAPH: Any = {
    "displaylogo": False,
    "responsive": True,
    # Sharing would upload the graph to a foreign server.
    "plotlyServerURL": "",
    "showSendToCloud": False,
    "modeBarButtonsToRemove": ["sendChartToCloud", "select2d", "lasso2d"],
}
"""Configuration of a `dcc.Graph`."""
