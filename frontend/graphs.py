"""How graphs behave on every page, and how they change without being drawn anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import Patch, dcc

from frontend.figures import empty

GRAPH: Any = {
    "displaylogo": False,
    "responsive": True,
    # Sharing would upload the graph to a foreign server.
    "plotlyServerURL": "",
    "showSendToCloud": False,
    "modeBarButtonsToRemove": ["sendChartToCloud", "select2d", "lasso2d"],
}
"""Configuration of a `dcc.Graph`."""


def graph(element_id: str) -> dcc.Graph:
    """Return a graph that fills what it stands in, before there is anything to show in it."""
    return dcc.Graph(id=element_id, figure=empty("Loading …"), config=GRAPH, style={"height": "100%"}, responsive=True)


def renewed(new: Mapping[str, Any], *parts: str) -> Patch:
    """Return what changes a graph into a new one of the same: the browser keeps zoom and selection in the layout.

    Args:
        new: The graph as it shall be.
        parts: What else changes than its data: parts of the layout, such as ``xaxis.rangebreaks``.
    """
    patch = Patch()
    patch["data"] = new["data"]
    for part in parts:
        old, value = patch["layout"], new["layout"]
        *way, last = part.split(".")
        for step in way:
            old, value = old[step], value[step]
        old[last] = value[last]
    return patch


def traces(changes: Mapping[int, Mapping[str, Any]]) -> Patch:
    """Return what changes some traces of a graph: by number of the trace, the properties to replace."""
    patch = Patch()
    for number, properties in changes.items():
        for name, values in properties.items():
            patch["data"][number][name] = values
    return patch
