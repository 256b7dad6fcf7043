"""A strategy's fills and equity as files: CSV and Parquet, exact to the micro-dollar."""

from __future__ import annotations

import csv
import io
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import Path
from starlette.responses import Response

from frontend.access import viewer
from frontend.api.parameters import Name, Ticker, Username
from frontend.api.problems import ProblemError
from frontend.api.server import API, Addresses
from frontend.api.strategies import found
from frontend.api.values import iso
from frontend.context import Context
from frontend.formats import ZONE, moment
from riskcontrol.equity import Equity
from riskcontrol.newyork import date_of
from riskcontrol.rows import Ints

if TYPE_CHECKING:
    import pandas as pd

    from database.reads import PositionRow, Reader, StrategyRow

MOST_FILLS = 100_000
"""Most fills in a file, the newest."""
PATH = "/api/v1/users/{username}/strategies/{ticker:path}/{name}/{what}.{kind}"
"""Where files are; a ticker may have a slash in it."""
CUT = "x-cut"
"""The header of a file that doesn't hold everything, and the key of the same in a Parquet file's metadata."""
AT_A_TIME = 2
"""Files made at a time. One of many fills is a second's work, which callbacks of all viewers would wait for."""
MOST_WAITING = 4
"""Most requests that wait for their turn: they do so in threads that callbacks and sessions need as well."""
MOST_OF_ACCOUNT = 2
"""Most of these of an account, or one who asks for all of its files would leave no turn to the others."""
PATIENCE_SECONDS = 5.0
_LATER = {"retry-after": "5"}
_MONEY = pa.decimal128(25, 6)
_TIME = pa.timestamp("ns", tz="UTC")
_FORMULA = re.compile(r"[=+\-@\t\r]")
_CSV = "text/csv; charset=utf-8"
_PARQUET = "application/vnd.apache.parquet"


class Turns:
    """Lets a few requests in at a time, and a few more wait; further ones are refused at once."""

    def __init__(self) -> None:
        self._making = threading.BoundedSemaphore(AT_A_TIME)
        self._counting = threading.Lock()
        self.inside: Counter[str] = Counter()
        """How many of each account are let in or wait."""

    @contextmanager
    def turn(self, account: str) -> Iterator[None]:
        """Wait for one's turn.

        Args:
            account: Whose request it is; empty where there are no accounts.

        Raises:
            ProblemError: Too many wait already, or it took too long.
        """
        with self._counting:
            if account and self.inside[account] >= MOST_OF_ACCOUNT:
                words = f"wait for your other files: {MOST_OF_ACCOUNT} at a time are made for an account"
                raise ProblemError(429, words, headers=_LATER)
            if self.inside.total() >= AT_A_TIME + MOST_WAITING:
                raise _busy()
            self.inside[account] += 1
        try:
            if not self._making.acquire(timeout=PATIENCE_SECONDS):
                raise _busy()
            try:
                yield
            finally:
                self._making.release()
        finally:
            with self._counting:
                self.inside[account] -= 1
                if not self.inside[account]:
                    del self.inside[account]


def _busy() -> ProblemError:
    return ProblemError(503, "other files are being made; ask again in some seconds", headers=_LATER)


def _account() -> str:
    """Return whose files count together: an account's, or those of all who have a link to one page."""
    who = viewer()
    return who.username or (f"link {who.shown.digest!r}" if who.shown else "")


def fills_table(fills: pd.DataFrame) -> pa.Table:
    """Return fills as a table.

    Args:
        fills: With the columns of `Reader.fills`.

    Returns:
        Columns number, time (UTC, nanoseconds), reason, shares, price, fee, cash (dollars, six decimals), sequence.
    """
    ints = {name: fills[name].to_numpy(np.int64) for name in fills.columns if name != "reason"}
    return pa.table(
        {
            "number": pa.array(ints["number"]),
            "time": pa.array(ints["time"]).cast(_TIME),
            "reason": pa.array(fills["reason"].tolist(), pa.utf8()),
            "shares": pa.array(ints["shares"]),
            **{name: decimals(ints[name]) for name in ("price", "fee", "cash")},
            "sequence": pa.array(ints["sequence"]),
        }
    )


def equity_table(curve: Equity) -> pa.Table:
    """Return an equity curve as a table.

    Returns:
        Columns time (UTC, nanoseconds), price, cash (dollars, six decimals), shares, value, profit (dollars).
    """
    money = {name: decimals(getattr(curve, name)) for name in ("price", "cash", "value", "profit")}
    columns = {"time": pa.array(curve.time).cast(_TIME), "shares": pa.array(curve.shares), **money}
    return pa.table(columns).select(["time", "price", "cash", "shares", "value", "profit"])


def decimals(micros: Ints) -> pa.Array:
    """Return micro-dollars as dollars with six decimals, exactly.

    >>> decimals(np.array([1_500_000, -1]))[1].as_py()
    Decimal('-0.000001')
    """
    words = np.stack([micros, micros >> 63], axis=1)  # a decimal is its digits as 128 bits, the low word first
    return pa.Array.from_buffers(_MONEY, len(micros), [None, pa.py_buffer(words.astype("<i8").tobytes())])


def csv_text(table: pa.Table) -> str:
    """Return a table as CSV: times as ISO 8601, in UTC and as New York's clock, money with six decimals.

    >>> csv_text(pa.table({"reason": ["=1+1"], "cash": decimals(np.array([5]))})).splitlines()
    ['reason,cash', "'=1+1,0.000005"]
    """
    columns: dict[str, list[Any]] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.type == _TIME:
            times = column.cast(pa.int64()).to_pylist()
            columns[name] = [iso(time) for time in times]
            columns["new_york"] = [moment(time) for time in times]
        elif column.type == pa.utf8():
            columns[name] = [guarded(text) for text in column.to_pylist()]
        else:
            columns[name] = [str(value) for value in column.to_pylist()]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    >>> guarded("=1+1"), guarded("buy")
    ("'=1+1", 'buy')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def register(addresses: Addresses, context: Context) -> None:
    """Add the addresses of the files."""
    turns = Turns()

    @addresses.add(
        "GET", PATH.removeprefix(API), tag="results", errors=(500,), responses=_FILES, response_class=Response
    )
    def export(
        username: Username,
        ticker: Ticker,
        name: Name,
        what: Annotated[str, Path(json_schema_extra={"enum": ["fills", "equity"]}, examples=["fills"])],
        kind: Annotated[str, Path(json_schema_extra={"enum": ["csv", "parquet"]}, examples=["csv"])],
    ) -> Response:
        """Return a strategy's fills or equity as a file, CSV or Parquet; money in dollars."""
        if what not in _PARTS or kind not in ("csv", "parquet"):
            raise ProblemError(404, "fills.csv, fills.parquet, equity.csv and equity.parquet are what there is")
        with turns.turn(_account()):
            strategy = found(context, username, ticker, name)
            part = _PARTS[what](context, strategy)
            return _file(part, kind, f"{username}-{ticker.replace('/', '_')}-{name}-{what}{part.suffix}.{kind}")


_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file. One that doesn't hold everything says so in the header `x-cut`.",
        "headers": {CUT: {"description": "What the file doesn't hold.", "schema": {"type": "string"}}},
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "number,time,new_york,reason,shares,price,fee,cash"},
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@dataclass(frozen=True, slots=True)
class _Part:
    """What a file holds, and what it doesn't."""

    table: pa.Table
    suffix: str = ""
    """Of the file's name, where it doesn't hold everything."""
    cut: str = ""
    """What it doesn't hold, in words."""


def _file(part: _Part, kind: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    if part.cut:
        headers[CUT] = part.cut
    if kind == "csv":
        return Response(csv_text(part.table).encode(), media_type=_CSV, headers=headers)
    table = part.table.replace_schema_metadata({CUT: part.cut}) if part.cut else part.table
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return Response(sink.getvalue().to_pybytes(), media_type=_PARQUET, headers=headers)


def address(username: str, ticker: str, name: str, what: str, kind: str) -> str:
    """Return the address of a file.

    >>> address("ann", "BRK/B", "dip", "fills", "csv")
    '/api/v1/users/ann/strategies/BRK/B/dip/fills.csv'
    """
    return PATH.replace("{ticker:path}", "{ticker}").format(
        username=username, ticker=ticker, name=name, what=what, kind=kind
    )


def _fills(context: Context, strategy: StrategyRow) -> _Part:
    def ask(reader: Reader) -> pd.DataFrame:
        return reader.fills(strategy.username, strategy.ticker, strategy.name, limit=MOST_FILLS)

    # Before the fills: those that its row counts are in by then.
    position: PositionRow | None = context.source.read(lambda reader: reader.positions([strategy]))[0]
    fills = context.source.read(ask).sort_values("number")
    table, count = fills_table(fills), position.fills if position else 0
    # Their numbers don't tell: they are read by time, and the newest fills of a day that is replayed are at old times.
    if len(fills) >= count:
        return _Part(table)
    return _Part(
        table, f"-newest-{len(fills)}", f"the newest {len(fills)} of {count} fills, by time; the others are left out"
    )


def _equity(context: Context, strategy: StrategyRow) -> _Part:
    position: PositionRow | None = context.source.read(lambda reader: reader.positions([strategy]))[0]
    if position is None:
        return _Part(equity_table(Equity(*(np.zeros(0, np.int64) for _ in range(6)))))
    snapshot = context.market.snapshot()
    mark = snapshot.prices.get(strategy.ticker)
    report = context.source.read(
        lambda reader: context.reports.of(reader, strategy, position, mark, resting=snapshot.resting)
    )
    table = equity_table(report.curve)
    if report.since is None:
        return _Part(table)
    return _Part(
        table, f"-from-{date_of(report.since)}", f"from {moment(report.since)} {ZONE} on; older history is left out"
    )


_PARTS: dict[str, Callable[[Context, StrategyRow], _Part]] = {"fills": _fills, "equity": _equity}
"""What there is as a file, by name."""
