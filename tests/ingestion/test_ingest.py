"""What is read reaches the tape: all of it, once, in order, whatever happens in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ingestion.columns import BLOCK_ROWS
from ingestion.ingest import Progress, ingest
from ingestion.locks import only_one
from ingestion.producer import TapeProducer, publish_openings
from ingestion.topic import partition_of
from riskcontrol.errors import InputError, TapeError
from riskcontrol.settings import Settings
from riskcontrol.strategy import first_rule
from tests.ingestion.made import Made
from tests.ingestion.tapes import Row, records, trades

pytestmark = pytest.mark.servers

SHARDS = 3


def expected(*sources: Made) -> list[list[Row]]:
    """What the tape must hold of sources, by partition."""
    found: list[list[Row]] = [[] for _ in range(SHARDS)]
    for source in sources:
        for batch in source.batches():
            for row in batch.to_pylist():
                found[partition_of(row["ticker"], SHARDS)].append(row)
    return found


def by_time(partitions: list[list[Row]]) -> list[list[Row]]:
    return [sorted(rows, key=lambda row: (row["time"], row["sequence"])) for rows in partitions]


def stopping_after(trades: int, stop: threading.Event) -> Callable[[Progress], None]:
    def look(progress: Progress) -> None:
        if progress.sent >= trades:
            stop.set()

    return look


def test_every_trade_is_sent_once_in_the_order_of_its_partition(kafka: Settings) -> None:
    source = Made()
    summary = ingest([source], kafka, speed=None)
    assert trades(kafka) == expected(source)
    assert (summary.sent, summary.skipped, summary.stopped) == (source.count, 0, False)
    assert summary.time == max(row["time"] for rows in expected(source) for row in rows)
    sizes = [len(dict(r.headers)["rows"]) for partition in records(kafka) for r in partition]
    assert len(sizes) <= source.count // BLOCK_ROWS + SHARDS + 1  # blocks are full


def test_what_is_on_the_tape_is_not_sent_again_unless_under_another_name(kafka: Settings) -> None:
    source = Made()
    ingest([source], kafka, speed=None)
    again = ingest([source], kafka, speed=None)
    assert (again.sent, again.skipped, again.sources[0].complete) == (0, source.count, True)
    assert trades(kafka) == expected(source)
    assert ingest([source], kafka, speed=None, name="encore").sent == source.count
    assert trades(kafka, "encore") == expected(source)
    assert trades(kafka, "made") == expected(source)


def test_a_stopped_ingestion_goes_on_where_it_stopped_at_any_speed(kafka: Settings) -> None:
    source = Made(count=60_000)
    sent = 0
    for number, speed in enumerate([None, 20_000.0, None, 50_000.0, None]):
        stop = threading.Event()
        look = stopping_after(4_000 + 2_000 * number, stop) if number < 4 else None
        summary = ingest([source], kafka, speed=speed, on_progress=look, stop=stop)
        assert summary.stopped == (number < 4)
        assert summary.skipped >= sent * (number == 4)
        sent += summary.sent
    assert sent == source.count
    assert trades(kafka) == expected(source)


def test_what_others_wrote_in_between_does_not_matter(kafka: Settings) -> None:
    source = Made()
    openings = [first_rule(f"user{n}", "dip", f"T{n % 40}", 10**10, 10**5, 10**5) for n in range(4_000)]
    for _ in range(2):
        stop = threading.Event()
        ingest([source], kafka, speed=None, on_progress=stopping_after(5_000, stop), stop=stop)
        publish_openings(kafka, openings)
        with TapeProducer(kafka) as foreign:
            for number in range(60):
                foreign.send(number % SHARDS, b'{"ticker":"IBM","price":1,"timestamp":1}', [("source", b"\xff")])
            for partition in range(SHARDS):
                foreign.wait(partition)
    ingest([source], kafka, speed=None)
    assert trades(kafka, "made") == expected(source)


def test_two_ingestions_at_once_each_go_on_where_they_were(kafka: Settings) -> None:
    sources = [Made("one", 40_000, 1), Made("two", 30_000, 2)]
    for _ in range(3):
        threads = []
        for source in sources:
            stop = threading.Event()
            options: dict[str, Any] = {"on_progress": stopping_after(9_000, stop), "stop": stop}
            threads.append(threading.Thread(target=ingest, args=([source], kafka), kwargs={"speed": 2e5} | options))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    ingest(sources, kafka, speed=None)
    for source in sources:
        assert trades(kafka, source.name) == expected(source)


def test_days_follow_each_other_and_finished_ones_are_not_read_again(kafka: Settings) -> None:
    days = [Made(f"day{n}", 5_000, 10 + n) for n in range(3)]
    ingest(days[:2], kafka, speed=None)
    unread = replace(days[0], fails_after=0)
    summary = ingest([unread, *days[1:]], kafka, speed=None)
    assert [(day.sent, day.skipped, day.complete) for day in summary.sources] == [
        (0, 5_000, True),
        (0, 5_000, True),
        (5_000, 0, True),
    ]
    assert trades(kafka) == expected(*days)


def test_a_source_that_breaks_off_leaves_what_came_before_and_can_be_mended(kafka: Settings) -> None:
    with pytest.raises(InputError, match="cut short"):
        ingest([Made(fails_after=9_000), Made("next")], kafka, speed=None)
    assert sum(map(len, trades(kafka))) == 9_000
    assert ingest([Made()], kafka, speed=None).sent == 11_000
    assert trades(kafka) == expected(Made())


def test_a_source_with_a_known_name_but_other_bytes_is_refused(kafka: Settings) -> None:
    ingest([Made(count=100)], kafka, speed=None)
    with pytest.raises(InputError, match=r"1,000 bytes; this one has 1,001.*--as"):
        ingest([Made(count=100, size=1_001)], kafka, speed=None)


def test_two_sources_of_one_name_are_refused(kafka: Settings) -> None:
    with pytest.raises(InputError, match="same name"):
        ingest([Made(), Made(location="other/made.gz")], kafka, speed=None)


def test_a_source_without_trades_is_fine(kafka: Settings) -> None:
    summary = ingest([Made(count=0)], kafka, speed=60.0)
    assert (summary.sent, summary.sources[0].complete) == (0, True)
    assert records(kafka) == [[], [], []]


def test_a_file_in_ticker_order_is_replayed_in_time_order_and_resumed_so(kafka: Settings) -> None:
    source = Made(by_ticker=True)
    stop = threading.Event()
    first = ingest([source], kafka, speed=50_000.0, on_progress=stopping_after(5_000, stop), stop=stop)
    assert 5_000 <= first.sent < source.count
    second = ingest([source], kafka, speed=None)
    assert first.sent + second.sent == source.count
    assert trades(kafka) == by_time(expected(source))


def test_a_file_in_ticker_order_begun_in_that_order_goes_on_at_max_only(kafka: Settings) -> None:
    source = Made(by_ticker=True)
    stop = threading.Event()
    ingest([source], kafka, speed=None, on_progress=stopping_after(5_000, stop), stop=stop)
    with pytest.raises(InputError, match="--speed max"):
        ingest([source], kafka, speed=1e6)
    ingest([source], kafka, speed=None)
    assert trades(kafka) == expected(source)


def test_a_source_is_sent_by_one_process_at_a_time(kafka: Settings) -> None:
    with only_one(kafka, "made"), pytest.raises(InputError, match=r"process \d+ is sending it.*--as"):
        ingest([Made()], kafka, speed=None)
    assert ingest([Made(count=10)], kafka, speed=None).sent == 10


def test_a_second_producer_elsewhere_is_noticed(kafka: Settings) -> None:
    elsewhere = kafka.model_copy(update={"home": kafka.home / "elsewhere"})
    begun = threading.Event()

    def interfere(progress: Progress) -> None:
        if not begun.is_set():
            begun.set()
            ingest([Made()], elsewhere, speed=None)

    with pytest.raises(TapeError, match="another producer sends 'made'"):
        ingest([Made()], kafka, speed=100_000.0, on_progress=interfere)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
def test_a_speed_must_be_above_0(kafka: Settings, speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        ingest([Made()], kafka, speed=speed)


def test_progress_tells_bytes_trades_and_time(kafka: Settings) -> None:
    told: list[Progress] = []
    source = Made()
    ingest([source], kafka, speed=None, on_progress=told.append)
    assert [p.sent for p in told] == sorted(p.sent for p in told)
    assert told[-1].sent == source.count
    assert (told[-1].source, told[-1].size) == ("made", source.size)
    assert 0 < told[-1].bytes_read <= source.size
    assert told[-1].time >= told[0].time > 0
