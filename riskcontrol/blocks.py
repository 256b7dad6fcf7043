"""Blocks: how trades and openings travel on the tape, and the checks on everything that comes off it.

A record's value is one Arrow IPC stream with one record batch; its headers say what it holds:

* ``type``: ``trades`` (schema `riskcontrol.trades.TRADES`), ``strategies`` (schema `OPENINGS`) or ``splits`` (schema
  `SPLITS`);
* ``schema``: the version of that schema, today ``1`` for trades and splits, ``2`` for strategies.

A record without these headers is a single trade in JSON, as foreign producers send it
(`ingestion.foreign`). Whatever can't be decoded raises `TapeError` with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from riskcontrol.errors import StrategyError, TapeError
from riskcontrol.messages import check_plain
from riskcontrol.money import MAX_CASH, MAX_PRICE
from riskcontrol.newyork import NS_PER_DAY, local_time
from riskcontrol.rows import Openings, Splits
from riskcontrol.shape import PARAMETERS, read_shape
from riskcontrol.splits import MAX_PART
from riskcontrol.strategy import (
    NAME_LENGTH,
    NAME_PATTERN,
    USERNAME_LENGTH,
    USERNAME_PATTERN,
    Action,
    Strategy,
    check_numbers,
)
from riskcontrol.terms import read_terms
from riskcontrol.trades import (
    ALL_FLAGS,
    MAX_NOTIONAL,
    MAX_SIZE,
    MAX_TIME,
    MIN_TIME,
    TICKER_LENGTH,
    TICKER_PATTERN,
    TRADES,
)

MAX_BYTES = 8 << 20
"""Largest record accepted, bytes."""
MAX_ROWS = 262_144
"""Most rows in a block."""

MAX_DISTINCT = 1_000
"""Most different shapes, and terms, in a block: each takes about a millisecond to read."""

MAX_SPLITS = 10_000
"""Most splits in a block."""

OPENINGS = pa.schema(
    [
        pa.field("action", pa.int8(), nullable=False),
        pa.field("username", pa.utf8(), nullable=False),
        pa.field("name", pa.utf8(), nullable=False),
        pa.field("ticker", pa.utf8(), nullable=False),
        pa.field("cash", pa.int64(), nullable=False),
        pa.field("shape", pa.dictionary(pa.int32(), pa.utf8()), nullable=False),
        *(pa.field(f"p{number}", pa.float64(), nullable=False) for number in range(PARAMETERS)),
        pa.field("terms", pa.dictionary(pa.int32(), pa.utf8()), nullable=False),
        pa.field("time", pa.int64(), nullable=False),
    ]
)
"""Schema of a block of openings and stops (`riskcontrol.rows.Openings`)."""

SPLITS = pa.schema(
    [
        pa.field("ticker", pa.utf8(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("time", "numerator", "denominator")),
    ]
)
"""Schema of a block of splits (`riskcontrol.rows.Splits`)."""

Event: TypeAlias = pa.RecordBatch | Openings | Splits
"""What a record of the tape says: trades, openings and stops, or splits."""

_FEW = 4e6
"""Below it, a float has nine places and more."""

Headers = list[tuple[str, bytes]]

TRADES_HEADERS: Headers = [("type", b"trades"), ("schema", b"1")]
OPENINGS_HEADERS: Headers = [("type", b"strategies"), ("schema", b"2")]
SPLITS_HEADERS: Headers = [("type", b"splits"), ("schema", b"1")]

_SCHEMAS = {"trades": (TRADES, "1"), "strategies": (OPENINGS, "2"), "splits": (SPLITS, "1")}
_WIDTHS = {"username": USERNAME_LENGTH, "name": NAME_LENGTH, "ticker": TICKER_LENGTH}


def encode(batch: pa.RecordBatch) -> bytes:
    """Return the record value for a batch of trades, openings or splits.

    Args:
        batch: At most `MAX_ROWS` rows, with the schema `TRADES`, `OPENINGS` or `SPLITS`.
    """
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def openings_batch(strategies: Iterable[Strategy], *, time: int, action: Action = Action.OPEN) -> pa.RecordBatch:
    """Return the batch that opens (or stops) these strategies.

    Args:
        strategies: What to open; checked already, as every `Strategy` is.
        time: Now, nanoseconds UTC.
        action: `Action.OPEN` or `Action.STOP`.

    >>> from riskcontrol.strategy import first_rule
    >>> openings_batch([first_rule("ann", "dip", "IBM", 10**10, 10**5, 10**5)], time=0).num_rows
    1
    """
    rows = [
        (
            int(action), s.username, s.name, s.ticker, s.cash, s.shape,
            *(s.parameters + (0.0,) * PARAMETERS)[:PARAMETERS], s.terms.text(), time,
        )
        for s in strategies
    ]  # fmt: skip
    columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * len(OPENINGS)
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, OPENINGS, strict=True)],
        schema=OPENINGS,
    )


def splits_batch(splits: Splits) -> pa.RecordBatch:
    """Return splits as a batch."""
    tickers = pa.array([ticker.decode("ascii") for ticker in splits.ticker.tolist()], pa.utf8())
    return pa.record_batch([tickers, *(pa.array(getattr(splits, name)) for name in SPLITS.names[1:])], schema=SPLITS)


def decode(value: bytes, headers: Iterable[tuple[str, bytes]]) -> Event:
    """Decode a record that carries our headers, checking everything in it.

    Args:
        value: The record's value.
        headers: The record's headers.

    Returns:
        A batch with schema `TRADES`, or `Openings`, or `Splits`.

    Raises:
        TapeError: It is none of these, or a value is out of its range.
    """
    kind, version = _kind(dict(headers))
    if kind not in _SCHEMAS:
        raise TapeError(f"unknown type {kind[:40]!r}")
    schema, known = _SCHEMAS[kind]
    if version != known:
        raise TapeError(f"schema version {version[:40]!r} of {kind}; this program knows {known}")
    if len(value) > MAX_BYTES:
        raise TapeError(f"{len(value):,} bytes; at most {MAX_BYTES:,} are accepted")
    batch = _read(value, schema)
    return _CHECKED[kind](batch)


def _kind(headers: Mapping[str, bytes]) -> tuple[str, str]:
    try:
        # A header's value may be null.
        return (headers.get("type") or b"").decode("ascii"), (headers.get("schema") or b"").decode("ascii")
    except UnicodeDecodeError as error:
        raise TapeError("headers are not ASCII") from error


def _read(value: bytes, schema: pa.Schema) -> pa.RecordBatch:
    try:
        check_plain(value, MAX_ROWS)
        with pa.ipc.open_stream(value) as reader:
            if not reader.schema.equals(schema):
                raise TapeError("columns differ from the schema")
            batch = reader.read_next_batch()
            if batch.num_rows > MAX_ROWS:
                raise TapeError(f"{batch.num_rows:,} rows; at most {MAX_ROWS:,} are accepted")
            batch.validate(full=True)
    except (pa.ArrowException, StopIteration, OSError, MemoryError) as error:
        said = str(error).partition("\n")[0] or type(error).__name__
        raise TapeError(f"not an Arrow stream: {said[:200]}") from error
    for name in schema.names:
        if batch.column(name).null_count:
            raise TapeError(f"{name}: empty values")
    return batch


def _check_range(batch: pa.RecordBatch, name: str, least: int, most: int) -> None:
    # Imported here: it takes longer than a small backtest, which has nothing to check.
    import pyarrow.compute as pc  # noqa: PLC0415

    bounds = pc.min_max(batch.column(name))
    low, high = bounds["min"].as_py(), bounds["max"].as_py()
    if low is not None and not (least <= low and high <= most):
        raise TapeError(f"{name}: values from {low} to {high}; {least} to {most} are accepted")


def _checked_trades(batch: pa.RecordBatch) -> pa.RecordBatch:
    _check_range(batch, "time", MIN_TIME, MAX_TIME)
    _check_range(batch, "price", 1, MAX_PRICE)
    _check_range(batch, "size", 1, MAX_SIZE)
    _check_range(batch, "flags", 0, ALL_FLAGS)
    price, size = batch.column("price").to_numpy(), batch.column("size").to_numpy()
    if batch.num_rows and float(np.max(price.astype(np.float64) * size)) > MAX_NOTIONAL:
        raise TapeError(f"price × size over {MAX_NOTIONAL // 1_000_000:,} dollars")
    tickers = batch.column("ticker").dictionary
    if tickers.null_count:
        raise TapeError("ticker: empty values")
    for ticker in tickers.to_pylist():
        if not TICKER_PATTERN.fullmatch(ticker):
            raise TapeError(f"ticker {ticker[:40]!r} is not one")
    return batch


def _checked_openings(batch: pa.RecordBatch) -> Openings:
    known = set(map(int, Action))
    unknown = set(batch.column("action").to_pylist()) - known
    if unknown:
        raise TapeError(f"action {min(unknown)} is unknown")
    _check_range(batch, "cash", 1, MAX_CASH)
    _check_range(batch, "time", MIN_TIME, MAX_TIME)
    for name, pattern in (("username", USERNAME_PATTERN), ("name", NAME_PATTERN), ("ticker", TICKER_PATTERN)):
        _check_names(batch, name, pattern)
    opens = batch.column("action").to_numpy() == Action.OPEN
    _check_rules(batch, opens)
    return openings_rows(batch)


def _checked_splits(batch: pa.RecordBatch) -> Splits:
    _check_range(batch, "time", MIN_TIME, MAX_TIME)
    _check_range(batch, "numerator", 1, MAX_PART)
    _check_range(batch, "denominator", 1, MAX_PART)
    _check_names(batch, "ticker", TICKER_PATTERN)
    splits = Splits(**{f.name: _column(batch.column(f.name), f.name) for f in fields(Splits)})
    if len(splits) > MAX_SPLITS:
        raise TapeError(f"{len(splits):,} splits in a block; at most {MAX_SPLITS:,} are accepted")
    if (local_time(splits.time) % NS_PER_DAY).any():
        raise TapeError("time: a split is effective from a midnight in New York on")
    if (splits.numerator == splits.denominator).any():
        raise TapeError("numerator and denominator: a ratio of 1 changes nothing")
    return splits


_CHECKED: dict[str, Callable[[pa.RecordBatch], Event]] = {
    "trades": _checked_trades,
    "strategies": _checked_openings,
    "splits": _checked_splits,
}


def _check_names(batch: pa.RecordBatch, name: str, pattern: re.Pattern[str]) -> None:
    for text in batch.column(name).to_pylist():
        if not pattern.fullmatch(text):
            raise TapeError(f"{name} {text[:40]!r} is not one")


def openings_rows(batch: pa.RecordBatch) -> Openings:
    """Return a batch of openings, checked already, as the engine takes them.

    Args:
        batch: Of `openings_batch`, for instance.
    """
    return Openings(**{f.name: _column(batch.column(f.name), f.name) for f in fields(Openings)})


def _column(column: pa.Array, name: str) -> np.ndarray:
    if name in _WIDTHS:
        return np.array(column.to_pylist(), dtype=f"S{_WIDTHS[name]}")
    if isinstance(column, pa.DictionaryArray):
        # One object a distinct text, however many rows have it.
        return np.array([*column.dictionary.to_pylist(), None], np.object_)[column.indices.to_numpy()]
    return column.to_numpy()


def _check_rules(batch: pa.RecordBatch, opens: np.ndarray) -> None:
    """Check what openings ask for; a stop names a strategy and nothing else counts."""
    values = np.column_stack([batch.column(f"p{number}").to_numpy() for number in range(PARAMETERS)])
    # Most have few places; the others are asked about one by one.
    odd = values[~((values >= 0) & (values < _FEW) & (values == np.round(values, 9)))]
    try:
        check_numbers(np.unique(odd).tolist())
    except StrategyError as error:
        raise TapeError(f"p0 to p{PARAMETERS - 1}: {str(error)[:200]}") from error
    for name, read in (("shape", read_shape), ("terms", read_terms)):
        column = batch.column(name)
        texts, codes = column.dictionary, column.indices.to_numpy()
        if texts.null_count:
            raise TapeError(f"{name}: empty values")
        asked = np.unique(codes[opens]).tolist()
        if len(asked) > MAX_DISTINCT:
            raise TapeError(f"{name}: {len(asked):,} different ones in a block; at most {MAX_DISTINCT:,} are accepted")
        for code in asked:
            try:
                read(texts[code].as_py())
            except StrategyError as error:
                raise TapeError(f"{name}: {str(error)[:200]}") from error
