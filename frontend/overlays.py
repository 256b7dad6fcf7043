"""The indicators of a strategy's rules over stored bars, to be drawn with its ticker's price."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontend.candles import joined
from ingestion.calendar import day as trading_day
from riskcontrol.indicators.registry import COLUMNS, INDICATORS
from riskcontrol.language.contents import indicators_of, words_of
from riskcontrol.language.text import text
from riskcontrol.language.tree import Indicator, Node, Word
from riskcontrol.money import MICROS
from riskcontrol.newyork import NS_PER_DAY, date_of, local_time
from riskcontrol.rows import Ints
from riskcontrol.shape import interval_of, rules_of
from riskcontrol.strategy import Strategy
from riskcontrol.terms import Session

MOST_LINES = 12
"""Most lines that are drawn: more can't be told apart."""
WAIT_SECONDS = 0.6
"""How long a callback waits for the compiled indicators: where they were used before, they are there by then."""
_ON_PRICE = frozenset({"sma", "ema", "bollinger", "highest", "lowest", "vwap"})
"""Indicators that are a price where they are of one."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """An indicator over time; columns of shape (n,), without the bars on which it has no value."""

    label: str
    panel: str
    """"price", "volume", or the indicator's own name: what it is drawn with."""
    minutes: int
    """Length of the bars."""
    time: Ints
    """Starts of the bars, nanoseconds UTC, ascending."""
    value: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """What is drawn of a strategy's indicators, and what is to say of it."""

    lines: tuple[Line, ...] = ()
    note: str = ""
    ready: bool = True
    """False while the compiled indicators are still being fetched: ask again."""


class Overlays:
    """Computes indicators; the compiled code is fetched with the first strategy that has some, aside from callbacks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fetching: threading.Thread | None = None
        self._ready = threading.Event()
        self._failure: Exception | None = None

    def of(self, strategy: Strategy, bars: pd.DataFrame | None) -> Overlay:
        """Return the indicators of a strategy's rules.

        Args:
            strategy: Which; its rules say of bars of which length and session.
            bars: Its ticker's bars of a minute, with the columns of `Reader.bars`, each with a price; None where it is
                asked only whether they can be computed.
        """
        nodes = wanted(strategy)
        if not nodes:
            return Overlay()
        if not self.ready():
            return Overlay(note="Its indicators are being computed …", ready=False)
        if self._failure is not None:
            return failed(self._failure)
        try:
            return Overlay() if bars is None else overlay(strategy, nodes, bars)
        except Exception as error:  # whatever it is, the price can be drawn without
            return failed(error)

    def ready(self) -> bool:
        """Tell whether no more is to come: the compiled indicators are there, or can't be had.

        Begins to fetch them, and waits for them a little.
        """
        with self._lock:
            if self._fetching is None:
                self._fetching = threading.Thread(target=self._fetch, name="indicators", daemon=True)
                self._fetching.start()
        return self._ready.wait(WAIT_SECONDS)

    def _fetch(self) -> None:
        try:
            from riskcontrol.indicators.batch import compute  # noqa: PLC0415  starts Numba, which most pages do without

            compute("sma", (), {"close": [1.0]})
        except Exception as error:  # whatever a compiler raises, the page tells it
            self._failure = error
        self._ready.set()


def failed(error: Exception) -> Overlay:
    """Return what is said where indicators can't be computed.

    >>> failed(OSError("no space left")).note
    "Its indicators aren't drawn, as they can't be computed: OSError: no space left"
    """
    return Overlay(
        note=f"Its indicators aren't drawn, as they can't be computed: {type(error).__name__}: {error}"[:300]
    )


def wanted(strategy: Strategy) -> tuple[Node, ...]:
    """Return the indicators in a strategy's rules, each once.

    >>> from riskcontrol.strategy import first_rule
    >>> wanted(first_rule("ann", "dip", "IBM", 10**10, 100_000, 200_000))
    ()
    """
    rules = [rule for rule in rules_of(strategy.shape, strategy.parameters) if rule is not None]
    found: dict[str, Node] = {}
    for rule in rules:
        found |= {text(node): node for node in indicators_of(rule)}
        found |= {name: Word(name) for name in words_of(rule) if name in INDICATORS}
    return tuple(found.values())


def overlay(strategy: Strategy, nodes: tuple[Node, ...], bars: pd.DataFrame) -> Overlay:
    """Return indicators over stored bars; arguments as of `Overlays.of`."""
    from riskcontrol.indicators.expressions import evaluate  # noqa: PLC0415  see `Overlays`

    every, session = interval_of(strategy.shape)
    if every % 60:
        return Overlay(note=f"Its indicators are of bars of {every} s; those stored are of a minute, so none is drawn.")
    own = joined(bars if session is Session.EXTENDED else regular(bars), every // 60)
    if own.empty:
        return Overlay()
    columns, time = kernel_columns(own), own["time"].to_numpy(np.int64)
    lines = []
    for node in nodes[:MOST_LINES]:
        values = evaluate(node, columns)
        known = np.isfinite(values)
        lines.append(Line(text(node), _panel(node), every // 60, time[known], values[known]))
    left_out = f"; {len(nodes) - MOST_LINES} more are left out" if len(nodes) > MOST_LINES else ""
    return Overlay(tuple(lines), f"Indicators from stored bars{left_out}.")


def regular(bars: pd.DataFrame) -> pd.DataFrame:
    """Return the bars of regular sessions."""
    time = bars["time"].to_numpy(np.int64)
    inside = np.zeros(len(time), np.bool_)
    day = local_time(time) // NS_PER_DAY
    for first in np.flatnonzero(np.diff(day, prepend=-1)).tolist():
        hours = trading_day(date_of(int(time[first])))
        inside |= (time >= hours.opens) & (time < hours.closes)
    return bars[inside].reset_index(drop=True)


def kernel_columns(bars: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return the columns that indicators read, in their units (`riskcontrol.indicators.registry.COLUMNS`)."""
    time = bars["time"].to_numpy(np.int64)
    money = {name: bars[name].to_numpy(np.int64) / MICROS for name in ("open", "high", "low", "close", "notional")}
    columns = {
        **money,
        "volume": bars["volume"].to_numpy(np.float64),
        "day": (local_time(time) // NS_PER_DAY).astype(np.float64),
    }
    return {name: columns[name] for name in COLUMNS}


def _panel(node: Node) -> str:
    name = node.name if isinstance(node, Indicator | Word) else ""
    if isinstance(node, Indicator) and node.source == "volume":
        return "volume" if name in _ON_PRICE | {"stdev"} else name
    return "price" if name in _ON_PRICE else name
