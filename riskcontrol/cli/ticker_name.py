"""A ticker as commands take it."""

from __future__ import annotations

import click


class TickerName(click.ParamType):
    """A ticker; one in lower case is taken in upper case, which is said."""

    name = "TICKER"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the ticker."""
        from riskcontrol.trades import TICKER_PATTERN

        if TICKER_PATTERN.fullmatch(value):
            return value
        upper = value.upper()
        if not TICKER_PATTERN.fullmatch(upper):
            self.fail(f"{value!r} is not a ticker like IBM or BRK.B", param, ctx)
        click.echo(f"{value} is taken as {upper}.", err=True)
        return upper
