"""What is shown at an address that leads nowhere. Dash takes the page whose module has this name."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html

from frontend.shell import alert, titled

PAGE = {"path": "/not-found", "title": titled("Not found")}


def layout(**query: str) -> dmc.Container:
    """Return the page.

    Args:
        query: What follows the ``?`` of the address; nothing is looked at.
    """
    return dmc.Container(
        dmc.Stack(
            [
                dmc.Title("There is no such page", order=1, size="h2"),
                alert(
                    [
                        "The address leads nowhere. The pages above lead on, and so does ",
                        html.A("the start page", href="/", className="in-app"),
                        ".",
                    ],
                    "yellow",
                    "not-found",
                ),
            ],
            gap="md",
        ),
        size="sm",
        className="start",
    )
