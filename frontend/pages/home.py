"""The start page: whose strategies do you want to see?"""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update

from frontend.access import viewer
from frontend.account_menu import own_way, shown_if
from frontend.grids import named
from frontend.shell import TITLE, alert, go_to

PAGE = {"path": "/", "title": TITLE}

NEXT = (
    ("New strategy", "Write rules, see them on stored bars, open them in the stream", "/new"),
    ("Leaders", "Who is ahead, by return and by evidence, and how everyone stands", "/leaders"),
    ("Market", "What trades most, what moves, and a chart of each ticker", "/market"),
)
"""What one can do next: title, words, address."""


def layout(**query: str) -> dmc.Container:
    """Return the page.

    Args:
        query: What follows the ``?`` of the address; nothing is looked at.
    """
    return start()


def start(trouble: str | None = None) -> dmc.Container:
    """Return the start page, with a message above it if there is trouble."""
    who = viewer()
    return dmc.Container(
        dmc.Stack(
            [
                alert(trouble, "red", "address-error") if trouble else None,
                dmc.Title("Paper-trade strategies on the real tape", order=1, size="h2"),
                dmc.Text(
                    "See what a user's strategies are worth, what they did and whether to trust them: live, with paper "
                    "money, beside everyone else's.",
                    c="dimmed",
                ),
                dmc.Group(
                    [
                        dmc.TextInput(
                            id="home-username",
                            placeholder="user000001",
                            size="lg",
                            className="grow",
                            debounce=True,  # sends its text together with Enter, and before a click on the button
                            attributes={
                                "input": {
                                    "aria-label": "Username",
                                    "autoCapitalize": "none",
                                    "spellCheck": "false",
                                    "autoFocus": True,
                                }
                            },
                        ),
                        dmc.Button("Show", id="home-go", size="lg"),
                    ],
                    align="flex-start",
                    gap="sm",
                    style=shown_if(who.everything),
                ),
                own_way(who),
                html.Nav(
                    [
                        dmc.Anchor(
                            [html.Span(title, className="way-title"), html.Span(words, className="way-words")],
                            href=address,
                            underline="never",
                            c="inherit",
                            className="card",
                        )
                        for title, words, address in NEXT
                    ],
                    className="next",
                    style=shown_if(who.member),
                    **named("What to do next"),
                ),
            ],
            gap="md",
        ),
        size="sm",
        className="start",
    )


def register(app: Dash) -> None:
    """Add the page's callbacks."""

    @app.callback(
        Output("goto", "href"),
        Output("home-username", "error"),
        Output("home-username", "value"),
        Input("home-username", "n_submit"),
        Input("home-go", "n_clicks"),
        State("home-username", "value"),
        prevent_initial_call=True,
    )
    def show(submitted: Any, clicked: Any, value: Any) -> tuple[Any, ...]:
        """Go to the user whose name was typed."""
        if not (submitted or clicked):  # called because the page appeared
            return (no_update,) * 3
        return go_to(value)
