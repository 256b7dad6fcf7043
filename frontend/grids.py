"""Tables: columns and their formats, the same on every page; assets/cells.js has what cells and events call by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
from dash import ClientsideFunction, Dash, Input, State, html

ROW, HEADER, BORDER = 48, 40, 4
"""Heights of a table's parts, pixels."""


def grid(
    element_id: str,
    columns: Sequence[Mapping[str, Any]],
    *,
    label: str,
    height: int,
    row_class: Mapping[str, str] | None = None,
    row_height: int = ROW,
) -> html.Div:
    """Return a table whose rows lead to the address that they hold.

    Args:
        element_id: Its id; `rowData` and `rowTransaction` are what callbacks change.
        columns: Its columns.
        label: What it is, for those who can't see it.
        height: Its height, pixels.
        row_class: Conditions by class of a row, in the grid's expressions.
        row_height: Height of a row, pixels.
    """
    table = dag.AgGrid(
        id=element_id,
        rowData=[],
        columnDefs=[dict(column) for column in columns],
        defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True},
        getRowId="params.data.id",
        rowClassRules=dict(row_class or {}),
        eventListeners={
            "gridSizeChanged": ["fitted(params)"],
            "cellClicked": ["follow(params)"],
            "cellKeyDown": ["follow(params)"],
        },
        dashGridOptions={
            "animateRows": False,
            "enableBrowserTooltips": True,
            "rowHeight": row_height,
            "headerHeight": HEADER,
            "suppressColumnVirtualisation": True,
        },
        className="grid",
        style={"height": height},
    )
    return html.Div(table, role="region", **named(label))


def plain(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> html.Table:
    """Return a small table of words, the first column at the left and the others at the right.

    Args:
        heads: Headings of its columns.
        rows: Its cells.
        title: What it is.
    """
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in heads]))
    body = html.Tbody([html.Tr([html.Td(cell) for cell in row]) for row in rows])
    return html.Table([*([html.Caption(title)] if title else []), head, body], className="plain")


def register(app: Dash, *element_ids: str) -> None:
    """Let tables have the columns that the screen has room for from their first rows on."""
    for element_id in element_ids:
        app.clientside_callback(
            ClientsideFunction("riskcontrol", "fit"), Input(element_id, "rowData"), State(element_id, "id")
        )


def named(label: str) -> dict[str, Any]:
    """Return the name of an element for those who can't see it, as its arguments."""
    return {"aria-label": label}


def fitting(rows: int, most: int) -> int:
    """Return the height of a table that shows up to `most` rows without scrolling.

    >>> fitting(2, 9), fitting(100, 9)
    (140, 476)
    """
    return HEADER + ROW * min(max(rows, 1), most) + BORDER


def column(field: str, title: str, width: int, help: str | None = None) -> dict[str, Any]:
    """Return a column of text; it grows with the table.

    Args:
        field: Which part of a row.
        title: Its heading.
        width: Least width, pixels.
        help: What the heading tells when it is pointed at.
    """
    made: dict[str, Any] = {"field": field, "headerName": title, "minWidth": width, "flex": width}
    return {**made, "headerTooltip": help} if help else made


def number(field: str, title: str, width: int, format: str, help: str | None = None) -> dict[str, Any]:
    """Return a column of numbers, written by one of the formats of assets/dashAgGridFunctions.js."""
    return {
        **column(field, title, width, help),
        "cellClass": "number",
        "headerClass": "ag-right-aligned-header",
        "valueFormatter": {"function": f"{format}(params.value)"},
    }


def signed(field: str, title: str, width: int, format: str, help: str | None = None) -> dict[str, Any]:
    """Return a column of numbers that are good above zero and bad below."""
    tones = {"gain": "params.value > 0", "loss": "params.value < 0"}
    return {**number(field, title, width, format, help), "cellClassRules": tones}


def linked(field: str, title: str, width: int, help: str | None = None) -> dict[str, Any]:
    """Return a column of links to a row's ``FIELD_address``, with ``FIELD_below`` under them."""
    return {**column(field, title, width, help), "cellRenderer": "Linked", "cellClass": "linked"}


def wide(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return a column that a narrow screen does without."""
    return {**made, "context": {"wide": True}}


def narrow(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return a column that only a narrow screen has, in the place of wide ones."""
    return {**made, "context": {"narrow": True}, "hide": True}
