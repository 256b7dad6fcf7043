"""One-trade records in JSON, as producers other than ours send them."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ingestion.calendar import day
from riskcontrol.errors import TapeError
from riskcontrol.money import MAX_PRICE, to_micros
from riskcontrol.newyork import date_of
from riskcontrol.trades import (
    HIGH_LOW,
    LAST,
    MAX_AHEAD,
    MAX_NOTIONAL,
    MAX_SIZE,
    MAX_TIME,
    NS_PER_SECOND,
    REGULAR,
    TICKER_PATTERN,
    TRADES,
    VOLUME,
)

_DAY = 24 * 3600 * NS_PER_SECOND

MAX_JSON = 10_000
"""Longest JSON record accepted, bytes."""


def decode_trade(value: bytes, written: int = MAX_TIME) -> pa.RecordBatch:
    """Decode a JSON record into a batch of one trade.

    The record is an object with `ticker` (or `asset`), `price` in dollars, `timestamp` (ISO 8601 with an offset, or
    seconds since 1970 UTC) and, optionally, `size` (1 if absent). Such a trade updates last, high, low and volume.

    Args:
        value: The record.
        written: When it was put on the tape, nanoseconds UTC; `MAX_AHEAD` tells how much later a trade may be.

    Raises:
        TapeError: It isn't one.

    >>> decode_trade(b'{"asset": "IBM", "price": 181.85, "timestamp": 1381152600}').column("price").to_pylist()
    [181850000]
    """
    if len(value) > MAX_JSON:
        raise TapeError(f"{len(value):,} bytes without a type header; a JSON trade has at most {MAX_JSON:,}")
    try:
        record = json.loads(value, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise TapeError("no type header and no JSON") from error
    if not isinstance(record, dict):
        raise TapeError("no type header and no JSON object")
    ticker = record.get("ticker", record.get("asset"))
    if not isinstance(ticker, str) or not TICKER_PATTERN.fullmatch(ticker):
        raise TapeError(f"ticker {str(ticker)[:40]!r} is not one")
    price = _price(record.get("price"))
    size = record.get("size", Decimal(1))
    if not isinstance(size, Decimal) or size != size.to_integral_value() or not 1 <= size <= MAX_SIZE:
        raise TapeError(f"size {str(size)[:40]!r} is not a whole number from 1 to {MAX_SIZE}")
    if price * int(size) > MAX_NOTIONAL:
        raise TapeError(f"price × size over {MAX_NOTIONAL // 1_000_000:,} dollars")
    time = _time(record.get("timestamp"))
    if time > written + MAX_AHEAD:
        raise TapeError(f"timestamp {str(record.get('timestamp'))[:40]!r} is after the record was written")
    session = day(date_of(time))
    flags = LAST | HIGH_LOW | VOLUME | (REGULAR if session.opens <= time < session.closes else 0)
    columns: list[Any] = [[ticker], [time], [price], [int(size)], [flags], [0]]
    return pa.record_batch(
        [
            pa.array(column, pa.utf8()).dictionary_encode() if field.name == "ticker" else pa.array(column, field.type)
            for column, field in zip(columns, TRADES, strict=True)
        ],
        schema=TRADES,
    )


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _price(value: object) -> int:
    try:
        micros = to_micros(value) if isinstance(value, Decimal | str) else 0
    except ValueError as error:
        raise TapeError(f"price: {error}"[:200]) from error
    if not 1 <= micros <= MAX_PRICE:
        raise TapeError(
            f"price {str(value)[:40]!r} is not an amount over 0 and up to {MAX_PRICE // 1_000_000:,} dollars"
        )
    return micros


def _time(value: object) -> int:
    try:
        if isinstance(value, Decimal):
            if not -20 < value.adjusted() < 20:  # int() of 1e999999999 would take all memory there is
                raise ValueError
            time = int(value.scaleb(9))
        else:
            moment = dt.datetime.fromisoformat(str(value))
            if moment.tzinfo is None:
                raise TapeError(f"timestamp {str(value)[:40]!r} has no offset from UTC")
            whole = moment.replace(microsecond=0)
            time = int(whole.timestamp()) * NS_PER_SECOND + moment.microsecond * 1_000
    except (ValueError, OverflowError, ArithmeticError) as error:
        raise TapeError(f"timestamp {str(value)[:40]!r} is neither ISO 8601 nor seconds since 1970") from error
    if not _DAY <= time < MAX_TIME:
        raise TapeError(f"timestamp {str(value)[:40]!r} is out of range")
    return time
