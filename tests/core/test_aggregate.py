"""Bars: which trade counts for what, and where a bar begins."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.aggregate import BARS, DAY, Aggregator, aggregate, parse_interval
from riskcontrol.errors import InputError
from riskcontrol.money import MAX_PRICE
from riskcontrol.newyork import NEW_YORK
from riskcontrol.trades import HIGH_LOW, LAST, NS_PER_MINUTE, NS_PER_SECOND, REGULAR, TRADES, VOLUME

ALL = LAST | HIGH_LOW | VOLUME
Row = tuple[str, int, int, int, int]


def batch(rows: list[Row]) -> pa.RecordBatch:
    """Return trades of rows (ticker, time, price, size, flags)."""
    ticker, *numbers = zip(*rows, strict=True) if rows else [()] * 5
    names = pa.array(ticker, pa.utf8()).dictionary_encode()
    columns = [pa.array(column, field.type) for column, field in zip(numbers, list(TRADES)[1:5], strict=True)]
    return pa.record_batch([names, *columns, pa.array(range(len(rows)), pa.int64())], schema=TRADES)


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp()) * NS_PER_SECOND


def test_each_flag_lets_a_trade_count_for_its_own() -> None:
    noon = at("2013-10-07T12:00:00-04:00")
    rows = [
        ("IBM", noon, 90, 1, VOLUME),
        ("IBM", noon, 100, 10, ALL | REGULAR),
        ("IBM", noon, 120, 20, HIGH_LOW | VOLUME),
        ("IBM", noon, 95, 5, LAST | HIGH_LOW),
        ("IBM", noon, 80, 1, REGULAR),
    ]
    (bar,) = aggregate([batch(rows)], DAY).to_pylist()
    assert bar.pop("time").isoformat() == "2013-10-07T00:00:00-04:00"
    assert bar == {
        "ticker": "IBM",
        "open": 100,
        "high": 120,
        "low": 95,
        "close": 95,
        "volume": 31,
        "notional": 90 + 1000 + 2400,
    }


def test_a_price_that_no_trade_sets_is_null_and_a_trade_without_flags_makes_no_bar() -> None:
    rows = [("A", 0, 10, 5, VOLUME), ("B", 0, 10, 5, 0), ("C", 0, 10, 5, HIGH_LOW)]
    bars = aggregate([batch(rows)], DAY).to_pylist()
    assert [(b["ticker"], b["open"], b["high"], b["close"], b["volume"]) for b in bars] == [
        ("A", None, None, None, 5),
        ("C", None, 10, None, 0),
    ]


@pytest.mark.parametrize(
    ("interval", "time", "start"),
    [
        ("1d", "2013-10-07T23:59:59-04:00", "2013-10-07T00:00:00-04:00"),
        ("1d", "2013-10-08T00:00:00-04:00", "2013-10-08T00:00:00-04:00"),
        ("1d", "2013-11-03T12:00:00-05:00", "2013-11-03T00:00:00-04:00"),
        ("1h", "2013-11-03T12:30:00-05:00", "2013-11-03T12:00:00-05:00"),
        ("5m", "2013-10-07T09:34:59-04:00", "2013-10-07T09:30:00-04:00"),
        ("7m", "2013-10-07T00:08:00-04:00", "2013-10-07T00:07:00-04:00"),
        ("7h", "2013-10-07T23:00:00-04:00", "2013-10-07T21:00:00-04:00"),
        ("30s", "2014-03-09T03:00:31-04:00", "2014-03-09T03:00:30-04:00"),
    ],
)
def test_bars_begin_by_new_yorks_clock(interval: str, time: str, start: str) -> None:
    bars = aggregate([batch([("A", at(time), 1, 1, ALL)])], parse_interval(interval))
    assert [bar["time"].isoformat() for bar in bars.to_pylist()] == [start]


@pytest.mark.parametrize("text", ["", "1", "m", "0m", "2d", "25h", "-1m", "1.5h", "1 m", "99999999s"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an interval"):
        parse_interval(text)


def test_only_the_wanted_tickers_are_looked_at() -> None:
    rows = [("A", 0, 1, 1, ALL), ("B", 0, 2, 1, ALL), ("A", 1, 3, 1, ALL)]
    bars = aggregate([batch(rows)], DAY, ["A", "C"]).to_pylist()
    assert [(bar["ticker"], bar["close"]) for bar in bars] == [("A", 3)]


def test_no_trades_give_no_bars() -> None:
    assert aggregate([batch([])], DAY).num_rows == 0
    assert aggregate([], DAY).schema.equals(BARS)


def test_a_sum_that_does_not_fit_is_refused() -> None:
    rows = [("A", 0, MAX_PRICE, 1_000, VOLUME)] * 1_000
    with pytest.raises(InputError, match="64 bits"):
        aggregate([batch(rows)], DAY)


ROWS = st.lists(
    st.tuples(
        st.sampled_from("AB"),
        st.integers(1_383_440_400, 1_383_544_800).map(lambda second: second * NS_PER_SECOND),  # clocks change
        st.integers(1, 1_000),
        st.integers(1, 1_000),
        st.integers(0, 15),
    ),
    max_size=40,
)


@given(ROWS, st.integers(1, 40), st.sampled_from(["1m", "1h", "5h", "1d"]))
def test_any_cut_into_batches_gives_what_plain_python_gives(rows: list[Row], size: int, text: str) -> None:
    interval = parse_interval(text)
    expected: dict[tuple[str, str], list[list[int]]] = {}
    for ticker, time, price, shares, flags in rows:
        if not flags & ALL:
            continue
        local = dt.datetime.fromtimestamp(time // NS_PER_SECOND, NEW_YORK).replace(tzinfo=None)
        midnight = local.replace(hour=0, minute=0, second=0)
        step = dt.timedelta(microseconds=interval // 1_000)
        start = (midnight + (local - midnight) // step * step).replace(tzinfo=NEW_YORK).astimezone(dt.UTC)
        last, high_low, volume = expected.setdefault((ticker, start.isoformat()), [[], [], []])
        last += [price] * bool(flags & LAST)
        high_low += [price] * bool(flags & HIGH_LOW)
        volume += [shares, price * shares] * bool(flags & VOLUME)
    aggregator = Aggregator(interval)
    for first in range(0, len(rows), size):
        aggregator.add(batch(rows[first : first + size]))
    bars = aggregator.bars().to_pylist()
    assert [(bar["ticker"], bar["time"].astimezone(dt.UTC).isoformat()) for bar in bars] == sorted(expected)
    for bar in bars:
        last, high_low, volume = expected[bar["ticker"], bar["time"].astimezone(dt.UTC).isoformat()]
        assert (bar["open"], bar["close"]) == ((last[0], last[-1]) if last else (None, None))
        assert (bar["high"], bar["low"]) == ((max(high_low), min(high_low)) if high_low else (None, None))
        assert (bar["volume"], bar["notional"]) == (sum(volume[::2]), sum(volume[1::2]))


def test_a_minute_has_sixty_seconds() -> None:
    assert parse_interval("1m") == parse_interval("60s") == NS_PER_MINUTE
    assert Decimal(parse_interval("1d")) == Decimal(DAY)
