"""Foreign one-trade records become trades, and nothing else gets in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.foreign import decode_trade
from riskcontrol.errors import TapeError
from riskcontrol.trades import ALL_FLAGS, REGULAR, TRADES

GOOD = {"ticker": "IBM", "price": 181.85, "timestamp": "2013-10-07T09:30:00-04:00", "size": 100}


def decoded(**changed: object) -> dict[str, object]:
    record = {name: value for name, value in (GOOD | changed).items() if value is not None}
    batch = decode_trade(json.dumps(record).encode())
    assert batch.schema.equals(TRADES)
    (row,) = batch.to_pylist()
    return dict(row)


def test_a_json_trade_is_a_trade() -> None:
    assert decoded() == {
        "ticker": "IBM",
        "time": 1_381_152_600_000_000_000,
        "price": 181_850_000,
        "size": 100,
        "flags": ALL_FLAGS,
        "sequence": 0,
    }


@pytest.mark.parametrize(
    ("changed", "field", "value"),
    [
        ({"ticker": None, "asset": "BAC"}, "ticker", "BAC"),
        ({"size": None}, "size", 1),
        ({"price": "181.850001"}, "price", 181_850_001),
        ({"timestamp": 1381152600.123456789}, "time", 1_381_152_600_123_456_700),
        ({"timestamp": "2013-10-07T13:30:00Z"}, "time", 1_381_152_600_000_000_000),
        ({"timestamp": "2013-10-07T16:00:00-04:00"}, "flags", ALL_FLAGS & ~REGULAR),
        ({"timestamp": "2013-10-06T12:00:00-04:00"}, "flags", ALL_FLAGS & ~REGULAR),
        ({"timestamp": "2099-06-01T12:00:00Z"}, "flags", ALL_FLAGS & ~REGULAR),
    ],
)
def test_its_fields_may_come_in_several_forms(changed: dict[str, object], field: str, value: object) -> None:
    assert decoded(**changed)[field] == value


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ticker": None}, "ticker"),
        ({"ticker": "<script>"}, "ticker"),
        ({"ticker": 5}, "ticker"),
        ({"price": 0}, "price"),
        ({"price": -1}, "price"),
        ({"price": 1e300}, "price"),
        ({"price": True}, "price"),
        ({"price": [1]}, "price"),
        ({"price": "NaN"}, "price"),
        ({"size": 0}, "size"),
        ({"size": 1.5}, "size"),
        ({"size": 10**10, "price": 10**6}, "price × size"),
        ({"timestamp": None}, "timestamp"),
        ({"timestamp": "2013-10-07T09:30:00"}, "offset"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": 1e18}, "timestamp"),
        ({"timestamp": -5}, "timestamp"),
    ],
)
def test_what_is_no_trade_is_refused_with_its_reason(changed: dict[str, object], reason: str) -> None:
    with pytest.raises(TapeError, match=reason):
        decoded(**changed)


@pytest.mark.parametrize("price", ["1e999999999", "-1e999999999", "1e-999999999", "NaN", "Infinity"])
def test_numbers_meant_to_eat_memory_are_refused(price: str) -> None:
    for record in (
        f'{{"ticker": "A", "price": {price}, "timestamp": 1381152600}}',
        f'{{"ticker": "A", "price": 1, "timestamp": {price}}}',
        f'{{"ticker": "A", "price": 1, "timestamp": 1381152600, "size": {price}}}',
        f'{{"ticker": "A", "price": 1, "timestamp": 1381152600, "x": 1e{"9" * 22}, "size": {price}}}',
    ):
        with pytest.raises(TapeError):
            decode_trade(record.encode())


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_random_bytes_are_refused(value: bytes) -> None:
    with pytest.raises(TapeError):
        decode_trade(value)


def test_a_trade_later_than_its_record_is_refused() -> None:
    record = json.dumps(GOOD | {"timestamp": "2099-01-02T12:00:00Z"}).encode()
    assert decode_trade(record).num_rows == 1
    with pytest.raises(TapeError, match="after the record was written"):
        decode_trade(record, written=1_700_000_000 * 10**9)


def test_deep_and_long_records_are_refused() -> None:
    for value in (b"[" * 9_000, b'{"a":' * 1_500 + b"1" + b"}" * 1_500, b" " * 20_000):
        with pytest.raises(TapeError):
            decode_trade(value)
