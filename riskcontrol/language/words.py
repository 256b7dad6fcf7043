"""The words of the language and what they mean, in one place for the parser, the command line and the pages.

Indicators are not here but in `riskcontrol.indicators.registry`.
"""

from __future__ import annotations

MARKET = {
    "price": "Price of the trade.",
    "open": "First price of the last closed bar.",
    "high": "Highest price of the last closed bar.",
    "low": "Lowest price of the last closed bar.",
    "close": "Last price of the last closed bar.",
    "volume": "Shares traded in the last closed bar.",
    "vwap": "Volume-weighted average price of the session, up to the last closed bar.",
    "time": "Time of day in New York; compares with a clock time: time >= 09:45.",
}
"""Words of the market: the same for everybody."""

POSITION = {
    "reference": "Price of the strategy's last fill; before it, of the first trade it saw.",
    "entry": "Price at which the shares held were bought.",
    "peak": "Highest price since they were bought.",
    "held": "How long they have been held; compares with a duration: held >= 30m.",
}
"""Words of the position: they differ from strategy to strategy."""

ONLY_HELD = ("entry", "peak", "held")
"""Words that have no value while nothing is held."""

FUNCTIONS = {
    "min": ("min(a, b)", "The lower of two numbers."),
    "max": ("max(a, b)", "The higher of two numbers."),
    "abs": ("abs(a)", "A number without its sign."),
    "crosses_above": ("crosses_above(a, b)", "With this bar a rose above b: it was at or below it a bar ago."),
    "crosses_below": ("crosses_below(a, b)", "With this bar a fell below b: it was at or above it a bar ago."),
}
"""Functions: how they are written and what they mean."""

ARGUMENTS = {"min": 2, "max": 2, "abs": 1, "crosses_above": 2, "crosses_below": 2}
"""How many values each function takes."""

CROSSES = ("crosses_above", "crosses_below")

OPERATORS = {
    "+ - * /": "Arithmetic; * and / bind tighter than + and -.",
    "< <= > >= == !=": "Comparisons; 30 < rsi(14) < 70 is both at once.",
    "and": "Both hold.",
    "or": "One of them holds, or both.",
    "not": "It doesn't hold.",
}
"""What stands between."""

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
"""Seconds of a duration's unit."""
