"""The form that opens a strategy: its fields, and the reading of what was typed."""

from __future__ import annotations

import difflib
import re
import secrets
from collections.abc import Iterable
from typing import Any

import dash_mantine_components as dmc
from dash import html

from riskcontrol.errors import StrategyError
from riskcontrol.money import to_micros
from riskcontrol.strategy import NAME_LENGTH, USERNAME_LENGTH, Strategy, first_rule
from riskcontrol.terms import FillMode
from riskcontrol.trades import TICKER_LENGTH, TICKER_PATTERN

FIELDS = ("username", "ticker", "cash", "buy_below", "sell_above", "name")
"""Fields of the form that can be wrong, in the order they are shown."""
_AMOUNTS = ("cash", "buy_below", "sell_above")
_AMOUNT = re.compile(r"\$?\s*(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?")
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def element(field: str) -> str:
    """Return the id of a field's element.

    >>> element("buy_below")
    'new-buy-below'
    """
    return f"new-{field.replace('_', '-')}"


def layout() -> dmc.Modal:
    """Return the form, closed."""
    return dmc.Modal(
        dmc.Stack(
            [
                dmc.SimpleGrid(
                    [
                        _field("username", "Username", maxLength=USERNAME_LENGTH, autoCapitalize="none"),
                        _field("ticker", "Ticker", placeholder="symbol, like IBM", maxLength=TICKER_LENGTH),
                    ],
                    cols={"base": 1, "xs": 2},
                ),
                html.Div(id="new-ticker-hint", role="status"),
                _field("cash", "Cash to start with, $", value="10000", inputMode="decimal"),
                dmc.SimpleGrid(
                    [
                        _field("buy_below", "Buy below the reference by, $", value="0.10", inputMode="decimal"),
                        _field("sell_above", "Sell above the reference by, $", value="0.20", inputMode="decimal"),
                    ],
                    cols={"base": 1, "xs": 2},
                ),
                dmc.Text(
                    "The reference is the price of its last fill; at first, that of the first trade it sees.",
                    size="xs",
                    c="dimmed",
                ),
                dmc.InputWrapper(
                    dmc.SegmentedControl(
                        id="new-fill",
                        value="next",
                        data=[
                            {"value": "next", "label": "On the next trade"},
                            {"value": "same", "label": "On the deciding trade"},
                        ],
                        fullWidth=True,
                    ),
                    label="Fills",
                    description="The next trade excludes look-ahead; the deciding one is for comparison.",
                ),
                _field("name", "Name", placeholder="made for you", maxLength=NAME_LENGTH),
                html.Div(id="new-message", role="alert"),
                dmc.Group(
                    [
                        dmc.Button("Cancel", id="new-cancel", variant="default"),
                        dmc.Button("Open strategy", id="new-submit"),
                    ],
                    justify="flex-end",
                ),
            ],
            gap="sm",
        ),
        id="new-strategy",
        title="New strategy",
        opened=False,
        size="lg",
    )


def _field(field: str, label: str, *, maxLength: int = 40, **more: Any) -> dmc.TextInput:
    html_only: dict[str, Any] = {name: more.pop(name) for name in ("inputMode", "autoCapitalize") if name in more}
    html_only |= {"maxLength": maxLength, "autoComplete": "off", "spellCheck": "false"}
    return dmc.TextInput(
        id=element(field),
        label=label,
        attributes={"input": html_only},
        debounce=True,  # sends its text when it is left, and so before any click on a button
        **more,
    )


def generated_name() -> str:
    """Return a name for a strategy that got none; two at the same moment differ."""
    return "s-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))


def read(values: dict[str, str], fill: str) -> tuple[Strategy | None, dict[str, str]]:
    """Read what was typed.

    Args:
        values: Text of each of `FIELDS`.
        fill: ``next`` or ``same``.

    Returns:
        The strategy, if all is well; and what is wrong, by field.

    >>> read(dict(username="ann", ticker="ibm", cash="1e4", buy_below="0.1", sell_above="", name="a"), "next")[1]
    {'cash': "'1e4' is not an amount like 10,000 or 0.25", 'sell_above': 'an amount in dollars is needed'}
    """
    errors: dict[str, str] = {}
    amounts = dict.fromkeys(_AMOUNTS, 1)
    for field in _AMOUNTS:
        try:
            amounts[field] = _micros(values[field])
        except ValueError as error:
            errors[field] = str(error)
    texts = {
        "username": values["username"].lower(),
        "name": values["name"] or generated_name(),
        "ticker": values["ticker"].upper() if values["ticker"].islower() else values["ticker"],
    }
    strategy: Strategy | None = None
    # A strategy names the first field that is wrong; with that one mended, it names the next.
    mended: dict[str, Any] = {"username": "a", "name": "a", "ticker": "A", "cash": 1, "buy_below": 1, "sell_above": 1}
    given: dict[str, Any] = {**texts, **amounts}
    while strategy is None:
        try:
            strategy = first_rule(**given, fill=FillMode[fill.upper()])
        except StrategyError as error:
            errors.setdefault(error.field, error.message)
            given[error.field] = mended[error.field]
    return (None if errors else strategy), errors


def _micros(typed: str) -> int:
    if not typed:
        raise ValueError("an amount in dollars is needed")
    if not _AMOUNT.fullmatch(typed) or not any(c.isdigit() for c in typed):
        raise ValueError(f"{typed[:20]!r} is not an amount like 10,000 or 0.25")
    return to_micros(typed.replace(",", "").replace("$", "").strip())


def ticker_hint(typed: str, tickers: Iterable[str]) -> str | None:
    """Return a warning about a ticker that the stream has never traded; None if it has, or is no ticker.

    >>> ticker_hint("IBN", ["IBM", "BAC"])
    'IBN has not traded on this stream. Close to it: IBM. It can be opened all the same and waits for its first trade.'
    """
    known = set(tickers)
    ticker = typed.upper() if typed.islower() else typed
    if not ticker or ticker in known or not TICKER_PATTERN.fullmatch(ticker):
        return None
    close = difflib.get_close_matches(ticker, sorted(known), n=5, cutoff=0.5)
    matches = f" Close to it: {', '.join(close)}." if close else ""
    return (
        f"{ticker} has not traded on this stream.{matches} It can be opened all the same and waits for its first trade."
    )
