"""A strategy's page under a link: for whoever has that, to be read alone."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc

from frontend import access
from frontend.pages import home, strategy
from riskcontrol.accounts.links import digest

ADDRESS = {"path_template": "/shared/<link>"}


def layout(link: Any = "", **query: Any) -> dmc.Container:
    """Return the page of the address ``/shared/LINK?tab=price``.

    Args:
        link: What opens it.
        query: What follows the ``?``, as on the strategy's own page.
    """
    page = access.viewer().shown
    if page is None or digest(str(link)) != page.digest:
        return home.start("This link leads nowhere: it was taken back, or it isn't complete.")
    shown = {name: value for name, value in query.items() if name in ("tab", "period", "show")}
    return strategy.layout(page.username, page.ticker, page.name, **shown)
