"""What a book has of the market: tickers, cohorts, clocks, series and signals, found or made when they are new."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from riskcontrol.book import Book
from riskcontrol.code import Series
from riskcontrol.pages import clear_summary
from riskcontrol.terms import read_terms


class Directory:
    """Finds things of a book by what they are.

    Args:
        book: The book; new things are put into it.

    Attributes:
        linked: Rows of cohorts and clocks that something new was linked to, by table.
    """

    def __init__(self, book: Book) -> None:
        self.book = book
        self.linked: dict[str, list[NDArray[np.int64]]] = {"cohorts": [], "clocks": []}
        used = book.tickers["ticker"][: book.count("tickers")].tolist()
        self._tickers = {ticker.decode("ascii"): number for number, ticker in enumerate(used)}
        self._cohorts: dict[tuple[int, int], int] | None = None
        self._terms: dict[tuple[int, ...], int] | None = None
        self._series_of: dict[int, dict[tuple[int, int, tuple[float, ...]], int]] = {}
        self._signals_of: dict[int, dict[int, int]] = {}

    def ticker(self, ticker: str) -> int:
        """Return the number of a ticker, giving it one if it is new."""
        number = self._tickers.get(ticker)
        if number is None:
            book = self.book
            book.reserve(tickers=1)
            number = book.take("tickers")
            row = np.zeros((), book.tickers.dtype)
            row["ticker"], row["cohort"], row["clock"] = ticker.encode("ascii"), -1, -1
            book.tickers[number] = row
            self._tickers[ticker] = number
        return number

    def cohorts(
        self, tickers: NDArray[np.int32], shapes: NDArray[np.object_], wanted: NDArray[np.bool_]
    ) -> NDArray[np.int32]:
        """Return the cohort of each pair of a ticker's number and a shape's text; -1 where it isn't wanted."""
        book = self.book
        if self._cohorts is None:
            records = book.cohorts[: book.count("cohorts")]
            pairs = zip(records["ticker"].tolist(), records["shape"].tolist(), strict=True)
            self._cohorts = {pair: number for number, pair in enumerate(pairs)}
        numbers = {text: book.shape_number(text) for text in dict.fromkeys(shapes[wanted].tolist())}
        found = np.full(len(tickers), -1, np.int32)
        for i in np.flatnonzero(wanted).tolist():
            pair = (int(tickers[i]), numbers[shapes[i]])
            cohort = self._cohorts.get(pair)
            if cohort is None:
                cohort = self._cohorts[pair] = self._new_cohort(*pair)
            found[i] = cohort
        return found

    def terms(self, texts: NDArray[np.object_], wanted: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Return the row of each of these terms (canonical JSON); 0 where it isn't wanted."""
        book = self.book
        if self._terms is None:
            rows = book.terms[: book.count("terms")].tolist()
            self._terms = {tuple(row): number for number, row in enumerate(rows)}
        numbers: dict[str, int] = {}
        for text in dict.fromkeys(texts[wanted].tolist()):
            row = read_terms(text).as_row()
            if row not in self._terms:
                book.reserve(terms=1)
                number = book.take("terms")
                book.terms[number] = row
                self._terms[row] = number
            numbers[text] = self._terms[row]
        return np.array([numbers[text] if want else 0 for text, want in zip(texts, wanted, strict=True)], np.int32)

    def _new_cohort(self, ticker: int, shape: int) -> int:
        book, library = self.book, self.book.library()
        series, formulas = library.shape_series[shape], library.shape_formulas[shape]
        _, _, _, _, shapes, _ = library.tables()
        clock = -1
        if shapes[shape]["every"] or formulas:
            clock = self._clock(ticker, int(shapes[shape]["every"]), int(shapes[shape]["session"]))
        links = [self._signal(clock, formula) for formula in formulas] + [self._series(clock, one) for one in series]
        bind = self._bind(links)
        book.reserve(cohorts=1)
        number = book.take("cohorts")
        record = book.cohorts[number]
        clear_summary(record)
        record["ticker"], record["shape"], record["clock"], record["bind"] = ticker, shape, clock, bind
        record["last"] = record["chapter"] = -1
        record["next"], book.tickers[ticker]["cohort"] = book.tickers[ticker]["cohort"], number
        return number

    def _clock(self, ticker: int, every: int, session: int) -> int:
        book = self.book
        number = int(book.tickers[ticker]["clock"])
        while number >= 0:
            record = book.clocks[number]
            if (record["every"], record["session"]) == (every, session):
                return number
            number = int(record["next"])
        book.reserve(clocks=1)
        number = book.take("clocks")
        book.clock_bars[number] = np.nan
        record = np.zeros((), book.clocks.dtype)
        record["ticker"], record["every"], record["session"] = ticker, every, session
        record["series"] = record["signal"] = -1
        record["next"], book.tickers[ticker]["clock"] = book.tickers[ticker]["clock"], number
        book.clocks[number] = record
        return number

    def _series(self, clock: int, wanted: Series) -> int:
        book = self.book
        parameters = np.zeros(book.series_parameters.shape[1])
        parameters[: len(wanted.parameters)] = wanted.parameters
        key = (wanted.code, wanted.source, tuple(parameters.tolist()))
        known = self._known_series(clock)
        if key in known:
            return known[key]
        book.reserve(series=1, states=wanted.words)
        number, state = book.take("series"), book.take("states", wanted.words)
        book.series_parameters[number], book.series_values[number] = parameters, np.nan
        book.states[state : state + wanted.words] = 0
        following = book.clocks[clock]["series"]
        book.series[number] = (clock, following, wanted.code, wanted.source, wanted.words, 0, state)
        book.clocks[clock]["series"] = known[key] = number
        self.linked["clocks"].append(np.array([clock]))
        return number

    def _known_series(self, clock: int) -> dict[tuple[int, int, tuple[float, ...]], int]:
        """Return a clock's series by what they are; the chain is walked once."""
        if clock not in self._series_of:
            book = self.book
            numbers = _chain(int(book.clocks[clock]["series"]), book.series["next"])
            what = book.series[numbers][["code", "source"]].tolist()
            parameters = book.series_parameters[numbers].tolist()
            self._series_of[clock] = {
                (*pair, tuple(row)): number for pair, row, number in zip(what, parameters, numbers, strict=True)
            }
        return self._series_of[clock]

    def _signal(self, clock: int, formula: int) -> int:
        book = self.book
        if clock not in self._signals_of:
            numbers = _chain(int(book.clocks[clock]["signal"]), book.signals["next"])
            self._signals_of[clock] = dict(zip(book.signals["formula"][numbers].tolist(), numbers, strict=True))
        known = self._signals_of[clock]
        if formula in known:
            return known[formula]
        bind = self._bind([self._series(clock, one) for one in book.library().formula_series[formula]])
        book.reserve(signals=1)
        number = book.take("signals")
        book.signals[number] = (clock, book.clocks[clock]["signal"], formula, bind)
        book.clocks[clock]["signal"] = known[formula] = number
        self.linked["clocks"].append(np.array([clock]))
        return number

    def _bind(self, links: Sequence[int]) -> int:
        book = self.book
        book.reserve(bindings=len(links))
        first = book.take("bindings", len(links))
        book.bindings[first : first + len(links)] = links
        return first


def _chain(number: int, following: NDArray[np.int32]) -> list[int]:
    """Return the numbers of a chain from its first one on."""
    found = []
    while number >= 0:
        found.append(number)
        number = int(following[number])
    return found
