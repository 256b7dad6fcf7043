"""A strategy's page under a link: for whoever has that, to be read alone."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc

from frontend import access
from frontend.pages import home, strategy
from frontend.shell import TITLE, titled
from riskcontrol.accounts.links import Published, digest


def title(link: str = "") -> str:
    """Return the page's title; that of all pages where the link leads nowhere."""
    page = _opened(link)
    return titled(f"{page.name} on {page.ticker}") if page else TITLE


PAGE = {"path_template": "/shared/<link>", "title": title}


def layout(link: Any = "", **query: Any) -> dmc.Container:
    """Return the page of the address ``/shared/LINK?tab=price``.

    Args:
        link: What opens it.
        query: What follows the ``?``, as on the strategy's own page.
    """
    page = _opened(link)
    if page is None:
        return home.start("This link leads nowhere: it was taken back, or it isn't complete.")
    shown = {name: value for name, value in query.items() if name in ("tab", "period", "show")}
    return strategy.layout(page.username, page.ticker, page.name, **shown)


def _opened(link: Any) -> Published | None:
    """Return what the link in the address opens, which the gate has looked up; None where it isn't that one."""
    page = access.viewer().shown
    return page if page is not None and digest(str(link)) == page.digest else None
