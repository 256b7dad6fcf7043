"""Blocks survive the tape, and nothing bad gets off it."""

import datetime as dt
import json
from dataclasses import fields, replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.blocks import (
    MAX_SPLITS,
    OPENINGS,
    OPENINGS_HEADERS,
    SPLITS,
    SPLITS_HEADERS,
    TRADES_HEADERS,
    decode,
    encode,
    openings_batch,
    splits_batch,
)
from riskcontrol.errors import TapeError
from riskcontrol.messages import check_plain
from riskcontrol.rows import Openings, Splits
from riskcontrol.splits import ex_time
from riskcontrol.strategy import FIRST_SHAPE, Action, first_rule
from riskcontrol.terms import FillMode
from riskcontrol.trades import TRADES


def trades(**changed: list[object]) -> pa.RecordBatch:
    columns = {
        "ticker": ["IBM", "BAC"],
        "time": [1, 2],
        "price": [181_850_000, 13_910_000],
        "size": [100, 1],
        "flags": [15, 4],
        "sequence": [1, 2],
    } | changed
    return pa.record_batch(
        [
            pa.array(columns[f.name], pa.utf8()).dictionary_encode()
            if f.name == "ticker"
            else pa.array(columns[f.name], f.type)
            for f in TRADES
        ],
        schema=TRADES,
    )


def test_trades_come_back_as_they_were() -> None:
    batch = trades()
    assert decode(encode(batch), TRADES_HEADERS).equals(batch)


SUMMER, WINTER = ex_time(dt.date(2020, 8, 31)), ex_time(dt.date(2021, 1, 4))


def splits(**changed: list[object]) -> pa.RecordBatch:
    columns = {
        "ticker": ["IBM", "BAC"],
        "time": [SUMMER, WINTER],
        "numerator": [4, 1],
        "denominator": [1, 10],
    } | changed
    return pa.record_batch([pa.array(columns[f.name], f.type) for f in SPLITS], schema=SPLITS)


def test_splits_come_back_as_they_were() -> None:
    found = decode(encode(splits()), SPLITS_HEADERS)
    assert isinstance(found, Splits)
    assert splits_batch(found).equals(splits())


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ticker": ["IBM", "<b>"]}, "ticker '<b>' is not one"),
        ({"time": [-1, SUMMER]}, "time: values from -1"),
        ({"time": [SUMMER, WINTER + 1]}, "from a midnight in New York on"),
        ({"time": [SUMMER, WINTER - 3_600 * 10**9]}, "from a midnight in New York on"),
        ({"numerator": [0, 1]}, "numerator: values from 0"),
        ({"denominator": [1, 100_001]}, "denominator: values from 1 to 100001; 1 to 100000 are accepted"),
        ({"numerator": [1, 1]}, "a ratio of 1 changes nothing"),
    ],
)
def test_splits_out_of_range_are_refused(changed: dict[str, list[object]], reason: str) -> None:
    with pytest.raises(TapeError, match=reason):
        decode(encode(splits(**changed)), SPLITS_HEADERS)


def test_a_block_of_very_many_splits_is_refused() -> None:
    many = {name: [value] * (MAX_SPLITS + 1) for name, value in zip(SPLITS.names, ("IBM", SUMMER, 2, 1), strict=True)}
    with pytest.raises(TapeError, match="10,001 splits in a block"):
        decode(encode(splits(**many)), SPLITS_HEADERS)


STRATEGY = first_rule("ann", "dip", "BRK.B", 10**10, 100_000, 200_000, FillMode.SAME)


def test_openings_come_back_as_they_were() -> None:
    openings = decode(encode(openings_batch([STRATEGY], time=7, action=Action.STOP)), OPENINGS_HEADERS)
    assert isinstance(openings, Openings)
    row = [getattr(openings, field.name)[0] for field in fields(Openings)]
    assert row == [Action.STOP, b"ann", b"dip", b"BRK.B", 10**10, FIRST_SHAPE, 0.1, 0.2, 0.0, 0.0, '{"fill":1}', 7]


def test_more_shapes_than_can_be_read_in_a_moment_are_refused() -> None:
    many = [replace(STRATEGY, username=f"u{n}", shape=f'{{"buy":"price > {n}"}}', parameters=()) for n in range(1_001)]
    with pytest.raises(TapeError, match="1,001 different ones"):
        decode(encode(openings_batch(many, time=7)), OPENINGS_HEADERS)
    assert isinstance(decode(encode(openings_batch(many[:1_000], time=7)), OPENINGS_HEADERS), Openings)


@pytest.mark.parametrize("number", [0.0, 0.07, 1.02, 123_456_789.1, 999_999_999_999.5, 1e-9])
def test_numbers_of_rules_pass(number: float) -> None:
    strategy = replace(STRATEGY, parameters=(number, 1.0))
    assert isinstance(decode(encode(openings_batch([strategy], time=7)), OPENINGS_HEADERS), Openings)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("action", 3, "action 3 is unknown"),
        ("cash", 0, "cash"),
        ("time", -1, "time"),
        ("username", "Ann", "username"),
        ("name", "", "name"),
        ("ticker", "<b>", "ticker"),
        ("shape", "", "shape: .*no JSON"),
        ("shape", "[" * 5_000, "shape: .*no JSON"),
        ("shape", '{"buy":"price <= refrence"}', "shape: .*unknown word 'refrence'"),
        ("shape", '{"buy":"price <= $1"}', "shape: .*numbered from"),
        ("shape", '{"buy":"price > 1","every":60}', "shape: every"),
        ("shape", '{"buy":"rsi(14) > 1"}', "shape: every"),
        ("shape", '{"buy":"rsi(14) > 1","every":7}', "shape: every"),
        ("shape", '{"buy":"price > 1","sell":7}', "shape: sell"),
        ("shape", '{"buy":"price > 1","x":7}', "shape: x"),
        ("shape", '{"buy":"price > 1","session":2}', "shape: session"),
        ("shape", " " * 10_000, "at most"),
        ("p0", -1.0, "p0"),
        ("p1", float("nan"), "p0"),
        ("p2", float("inf"), "p0"),
        ("p3", 1e12, "p0"),
        ("p0", 1 / 3, "p0"),
        ("p0", 0.1 + 0.2, "p0"),
        ("p0", 1e-300, "p0"),
        ("terms", "{", "terms: .*no JSON"),
        ("terms", "7", "terms: .*object"),
        ("terms", "{}" + " " * 999, "terms: .*at most"),
        ("shape", json.dumps({"buy": " or ".join(f"sma({n}) > {n}" for n in range(990, 1_000)), "every": 60}), "back"),
        ("terms", '{"stop":1}', "terms: stop: unknown option"),
        ("terms", '{"stop_loss":-1}', "terms: stop_loss"),
        ("terms", '{"fill":true}', "terms: fill"),
    ],
)
def test_openings_that_ask_for_nonsense_are_refused(name: str, value: object, reason: str) -> None:
    batch = openings_batch([STRATEGY], time=7)
    place = OPENINGS.get_field_index(name)
    kind = OPENINGS.field(name).type
    column = (
        pa.array([value], kind.value_type).dictionary_encode()
        if name in ("shape", "terms")
        else pa.array([value], kind)
    )
    columns = [*batch.columns[:place], column, *batch.columns[place + 1 :]]
    with pytest.raises(TapeError, match=reason):
        decode(encode(pa.record_batch(columns, schema=OPENINGS)), OPENINGS_HEADERS)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"price": [0, 1]}, "price"),
        ({"price": [10**14, 1]}, "price"),
        ({"size": [0, 1]}, "size"),
        ({"flags": [16, 1]}, "flags"),
        ({"time": [-1, 1]}, "time"),
        ({"ticker": ["IBM", "<b>"]}, "ticker"),
        ({"size": [10**10, 1], "price": [10**13, 1]}, "price × size"),
    ],
)
def test_values_out_of_range_are_refused(changed: dict[str, list[object]], reason: str) -> None:
    with pytest.raises(TapeError, match=reason):
        decode(encode(trades(**changed)), TRADES_HEADERS)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], "unknown type"),
        ([("type", b"trades"), ("schema", b"2")], "version '2' of trades; this program knows 1"),
        ([("type", b"\xff")], "ASCII"),
        (OPENINGS_HEADERS, "columns"),
        ([("type", None), ("schema", None)], "unknown type"),
    ],
)
def test_headers_that_do_not_fit_are_refused(headers: list[tuple[str, bytes]], reason: str) -> None:
    with pytest.raises(TapeError, match=reason):
        decode(encode(trades()), headers)


@given(st.binary(max_size=2_000), st.sampled_from([TRADES_HEADERS, OPENINGS_HEADERS, SPLITS_HEADERS]))
def test_random_bytes_are_refused(value: bytes, headers: list[tuple[str, bytes]]) -> None:
    with pytest.raises(TapeError):
        decode(value, headers)


@given(st.data())
def test_a_changed_byte_gives_a_block_or_a_reason(data: st.DataObject) -> None:
    value = bytearray(encode(trades()))
    value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    try:
        batch = decode(bytes(value), TRADES_HEADERS)
    except TapeError:
        return
    assert batch.schema.equals(TRADES)


def stream_of(batch: pa.RecordBatch, batches: int = 1, **options: object) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for _ in range(batches):
            writer.write_batch(batch)
    return bytes(sink.getvalue())


def test_a_stream_without_a_batch_is_refused() -> None:
    with pytest.raises(TapeError, match="StopIteration"):
        decode(stream_of(trades(), batches=0), TRADES_HEADERS)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_record_that_would_unpack_to_much_more_is_refused_unread(codec: str) -> None:
    value = stream_of(pa.concat_batches([trades()] * 100_000), compression=codec)
    assert len(value) < 1_000_000
    with pytest.raises(TapeError, match="compressed"):
        decode(value, TRADES_HEADERS)


def test_rows_are_counted_before_they_are_read() -> None:
    value = stream_of(pa.concat_batches([trades()] * 10))
    check_plain(value, 20)
    with pytest.raises(TapeError, match="20 rows"):
        check_plain(value, 19)
