"""Many users at once: drawn from a seed, each with a strategy of the first rule."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from database.reads import Reader
from database.writes import Writer
from ingestion.producer import OPENINGS_ROWS, TapeProducer
from ingestion.topic import partition_of
from riskcontrol.blocks import OPENINGS, OPENINGS_HEADERS, encode
from riskcontrol.money import MICROS
from riskcontrol.rows import Openings
from riskcontrol.settings import Settings
from riskcontrol.strategy import FIRST_SHAPE, Action, check_username
from riskcontrol.terms import Terms

MAX_COUNT = 10_000_000
NAME = "s1"
"""Every generated strategy's name."""

BUY_BELOW_CENTS = (10, 40)
SELL_ABOVE_CENTS = (5, 40)
CASH_DOLLARS = (2_000, 400_000)

ALIVE_SECONDS = 10.0
"""A stream whose newest batch is older doesn't run."""

_CENTS = 100
"""In a dollar: cents / 100 is the float that the decimal text has, cents * 0.01 isn't."""
_USERS_AT_A_TIME = 5_000

OnDone = Callable[[int], None]
"""Told how many are done so far."""


def draw(count: int, seed: int, frequencies: Mapping[str, float], *, prefix: str = "user", start: int = 1) -> Openings:
    """Draw users, each with one strategy; user number k of a seed is the same whatever `count` and `start`.

    Args:
        count: How many users.
        seed: The same seed draws the same users.
        frequencies: By ticker, how often it trades, in any unit: it gets as large a share of the users.
        prefix: A username is this and a number of at least six digits.
        start: The first number.

    Returns:
        The openings, sorted by ticker; their time is now.

    Raises:
        StrategyError: Usernames with this prefix would not be usernames.
        ValueError: A number is out of its range.

    >>> draw(2, 1, {"IBM": 3.0, "GE": 1.0}).username.tolist()
    [b'user000002', b'user000001']
    """
    if not 1 <= count <= MAX_COUNT or not 1 <= start <= MAX_COUNT or seed < 0:
        raise ValueError(f"count and start must be 1 to {MAX_COUNT:,}, seed not below 0")
    check_username(f"{prefix}{start + count - 1:06d}")
    # A stream of numbers for each column, so that more users don't change those before them.
    streams = iter(np.random.default_rng(seed).spawn(4))

    def drawn() -> NDArray[np.float64]:
        return next(streams).random(start - 1 + count)[start - 1 :]

    def whole(low: int, high: int) -> NDArray[np.int64]:
        return low + (drawn() * (high - low + 1)).astype(np.int64)

    tickers = np.array(sorted(frequencies), dtype=np.bytes_)
    shares = np.cumsum([frequencies[ticker] for ticker in sorted(frequencies)])
    ticker = np.searchsorted(shares, drawn() * shares[-1], side="right").clip(max=len(tickers) - 1)
    numbers = range(start, start + count)
    openings = Openings(
        action=np.full(count, Action.OPEN, np.int8),
        username=np.array([b"%s%06d" % (prefix.encode("ascii"), number) for number in numbers]),
        name=np.full(count, NAME.encode("ascii")),
        ticker=tickers[ticker],
        shape=np.full(count, FIRST_SHAPE, np.object_),
        p0=whole(*BUY_BELOW_CENTS) / _CENTS,
        p1=whole(*SELL_ABOVE_CENTS) / _CENTS,
        p2=np.zeros(count),
        p3=np.zeros(count),
        cash=whole(*CASH_DOLLARS) * MICROS,
        terms=np.full(count, Terms().text(), np.object_),
        time=np.full(count, time.time_ns(), np.int64),
    )
    return openings.take(np.argsort(ticker, kind="stable"))


def register(writer: Writer, openings: Openings, *, on_done: OnDone) -> None:
    """Write the users of openings into `users`, and wait until they are in.

    Raises:
        ServerError: The database doesn't answer.
    """
    now = dt.datetime.now(dt.UTC)
    for first in range(0, len(openings), _USERS_AT_A_TIME):
        usernames = openings.username[first : first + _USERS_AT_A_TIME]
        writer.users(usernames, created=now, origin="generator")
        writer.flush()
        on_done(first + len(usernames))


def publish(settings: Settings, openings: Openings, *, on_done: OnDone) -> dict[int, int]:
    """Put openings on the tape, each in the partition of its ticker.

    Args:
        settings: Where the tape is.
        openings: Those of a ticker side by side, as the engine likes them.
        on_done: Told how many are on the tape or on their way.

    Returns:
        For each partition written to, the offset after the last record.

    Raises:
        ServerError: The tape can't be written to.
    """
    with TapeProducer(settings) as producer:
        done = 0
        blocks = split(openings, producer.partitions)
        # In turns, as a partition takes a block only when it has acknowledged the one before.
        for turn in zip_longest(*blocks.values()):
            for partition, block in zip(blocks, turn, strict=True):
                if block is not None:
                    producer.send(partition, encode(block), OPENINGS_HEADERS)
                    done += block.num_rows
                    on_done(done)
        return {partition: offset + 1 for partition in blocks if (offset := producer.wait(partition)) is not None}


def split(openings: Openings, partitions: int) -> dict[int, Iterator[pa.RecordBatch]]:
    """Return, for each partition that gets any, its openings as blocks.

    Args:
        openings: In any order, which stays.
        partitions: How many the tape has.
    """
    tickers, place = np.unique(openings.ticker, return_inverse=True)
    partition = np.array([partition_of(ticker.decode("ascii"), partitions) for ticker in tickers.tolist()])[place]
    return {int(number): _blocks(openings.take(partition == number)) for number in np.unique(partition)}


def _blocks(openings: Openings) -> Iterator[pa.RecordBatch]:
    for first in range(0, len(openings), OPENINGS_ROWS):
        rows = openings.take(slice(first, first + OPENINGS_ROWS))
        columns = (getattr(rows, field.name) for field in OPENINGS)
        yield pa.record_batch(
            [
                pa.array(column.astype("U") if column.dtype.kind == "S" else column, field.type)
                for column, field in zip(columns, OPENINGS, strict=True)
            ],
            schema=OPENINGS,
        )


def stream_runs(reader: Reader) -> bool:
    """Return whether a stream works on the tape: it has written a batch in the last seconds.

    Raises:
        ServerError: The database doesn't answer.
    """
    newest = reader.newest_batch()
    return newest is not None and (dt.datetime.now(dt.UTC) - newest).total_seconds() < ALIVE_SECONDS


def wait_until_open(
    writer: Writer,
    tape: str,
    offsets: Mapping[int, int],
    *,
    alive: Callable[[], bool],
    on_done: OnDone,
    pause: float = 0.1,
) -> bool:
    """Wait until the stream has written what lies on the tape before these offsets.

    Args:
        writer: Knows its watermarks.
        tape: The tape's id.
        offsets: By partition, the offset up to which to wait.
        alive: Asked at every look whether there still is a stream to wait for.
        on_done: Told how many of all those records are written.
        pause: Seconds between two looks.

    Returns:
        False if the stream has stopped before.

    Raises:
        ServerError: The database doesn't answer.
    """
    while True:
        written = writer.watermarks(tape)
        on_done(sum(min(written.get(partition, 0), offset) for partition, offset in offsets.items()))
        if all(written.get(partition, 0) >= offset for partition, offset in offsets.items()):
            return True
        if not alive():
            return False
        time.sleep(pause)
