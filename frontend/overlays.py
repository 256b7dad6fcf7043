"""The indicators of a strategy's rules over stored bars, to be drawn with its ticker's price."""

from __future__ import annotations

import logging
import threading
import time
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

log = logging.getLogger("riskcontrol.dashboard")

MOST_LINES = 12
"""Most lines that are drawn: more can't be told apart."""
WAIT_SECONDS = 0.6
"""How long a callback waits for the compiled indicators: where they were used before, they are there by then."""
RETRY_SECONDS = 60.0
"""After how long what failed is tried again."""
MOST_BROKEN = 1_000
"""Most strategies that are remembered as failing; then all are tried anew."""
COMING_SECONDS = 1
"""After how long to ask again for what is being fetched."""
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
    again: int = 0
    """After how many seconds to ask again; 0 where that brings nothing else."""


class Overlays:
    """Computes indicators; the compiled code is fetched with the first strategy that has some, aside from callbacks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fetching: threading.Thread | None = None
        self._ready = threading.Event()
        self._failure: tuple[float, Overlay] | None = None
        self._broken: dict[tuple[str, str, tuple[float, ...]], tuple[float, Overlay]] = {}

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
            return Overlay(note="Its indicators are being computed …", again=COMING_SECONDS)
        which = strategy.ticker, strategy.shape, strategy.parameters
        failure = self._failure or self._broken.get(which)
        if failure is not None and not _old(failure):
            return failure[1]
        if bars is None:
            return Overlay()
        try:
            return overlay(strategy, nodes, bars)
        except Exception as error:  # whatever it is, the price can be drawn without
            if len(self._broken) >= MOST_BROKEN:
                self._broken.clear()
            self._broken[which] = failure = _failed(error)
            return failure[1]

    def ready(self) -> bool:
        """Tell whether no more is to come: the compiled indicators are there, or couldn't be had a moment ago.

        Begins to fetch them, also after a failure that is a while ago, and waits for them a little.
        """
        with self._lock:
            if self._failure is not None and _old(self._failure):
                self._failure = self._fetching = None
                self._ready.clear()
            if self._fetching is None:
                self._fetching = threading.Thread(target=self._fetch, name="indicators", daemon=True)
                self._fetching.start()
        return self._ready.wait(WAIT_SECONDS)

    def _fetch(self) -> None:
        try:
            from riskcontrol.indicators.batch import compute  # noqa: PLC0415  starts Numba, which most pages do without

            compute("sma", (), {"close": [1.0]})
        except Exception as error:  # whatever a compiler raises, the page tells it
            self._failure = _failed(error)
        self._ready.set()


def failed(error: Exception) -> Overlay:
    """Return what is said where indicators can't be computed: the kind of error, as its words may name our files.

    >>> failed(OSError("/secret/place")).note
    "Its indicators aren't drawn, as they can't be computed (OSError); that is tried again after a minute."
    """
    kind = type(error).__name__
    said = f"Its indicators aren't drawn, as they can't be computed ({kind}); that is tried again after a minute."
    return Overlay(note=said, again=int(RETRY_SECONDS))


def _failed(error: Exception) -> tuple[float, Overlay]:
    """Write a failure to the log; returns when it happened, and what is said of it until it is tried again."""
    log.error("indicators can't be computed", exc_info=error)
    return time.monotonic(), failed(error)


def _old(failure: tuple[float, Overlay]) -> bool:
    return time.monotonic() - failure[0] >= RETRY_SECONDS


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
