"""Everything that may be written in a strategy and what it means, for the command line and the pages."""

from __future__ import annotations

from collections.abc import Mapping

from riskcontrol.language.calls import CALLED, example
from riskcontrol.language.words import FUNCTIONS, MARKET, OPERATORS, POSITION
from riskcontrol.strategy_file import EVERY
from riskcontrol.strategy_options import AMOUNTS, FEES


def sections() -> dict[str, Mapping[str, str]]:
    """Return what may be written, and what each of it means, by kind.

    >>> sections()["The position's words"]["entry"]
    'Price at which the shares held were bought.'
    """
    indicators = {
        (
            example(name) if not known.outputs[0] else f"{example(name).rpartition('.')[0]} .{' .'.join(known.outputs)}"
        ): (known.summary + (f" Of {known.source} if no column is said." if known.sources else ""))
        for name, known in CALLED.items()
    }
    plain = {
        "every": f"Length of its bars: {' '.join(EVERY)}.",
        "session": "regular: trades of 09:30-16:00 New York; extended: all.",
        "fill": "next: decides on one trade, fills on the next; same: fills on the deciding trade.",
        "size": 'all cash: "all"; a part of it: { fraction = "0.5" }; shares: { shares = 100 }.',
    }
    options = {f"{key} ({amount.unit})": amount.meaning for key, amount in AMOUNTS.items()}
    fees = {f"fees.{key} ({amount.unit})": amount.meaning for key, amount in FEES.items()}
    return {
        "The market's words": MARKET,
        "The position's words": POSITION,
        "Indicators, with their usual parameters": indicators,
        "Functions": dict(FUNCTIONS.values()),
        "Operators": OPERATORS,
        "Options of a strategy file": plain | options | fees,
    }
