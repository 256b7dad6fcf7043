"""What the frame shows of who is signed in: the way to one's account, and out."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from frontend.access import Viewer
from frontend.addresses import user_address

_GONE = {"display": "none"}


def account_menu(viewer: Viewer) -> html.Div:
    """Return the part of the header about who is signed in; nothing where there is no sign-in.

    Args:
        viewer: Who asks.
    """
    if viewer.unlocked:
        return html.Div(style=_GONE)
    if not viewer.username:
        return html.Div(html.A("Sign in", href="/sign-in", className="account-way"), className="account-menu")
    out = html.Form(
        html.Button("Sign out", type="submit", className="account-out"),
        action="/sign-out",
        method="POST",
        id="sign-out",
    )
    named: dict[str, Any] = {"aria-label": f"Account {viewer.username}"}
    return html.Div(
        [html.A(viewer.username, href="/account", className="account-way", **named), out], className="account-menu"
    )


def visitor_store(viewer: Viewer) -> dcc.Store:
    """Return where the browser keeps whose pages the navigation leads to: one's own, or those visited last."""
    if viewer.username:
        return dcc.Store(id="visitor", data=viewer.username)
    return dcc.Store(id="visitor", storage_type="local")


def shown_if(condition: bool) -> dict[str, str]:
    """Return the style of what only some viewers are shown; it is there all the same, for the callbacks about it."""
    return {} if condition else _GONE


def own_way(viewer: Viewer) -> dmc.Anchor | None:
    """Return what leads to one's own strategies; None for somebody without an account."""
    if not viewer.username:
        return None
    button = dmc.Button("Your strategies", size="lg", tabIndex=-1)
    return dmc.Anchor(button, href=user_address(viewer.username), underline="never", id="home-own")
