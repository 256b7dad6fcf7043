"""What happened last: the newest of all strategies, whatever their number, read once."""

from __future__ import annotations

from typing import Any

from frontend.activity import MOST, MOST_ASKED, Fills, Pair, events
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.frontend.fake import OPEN, FakeReader, position, strategy, trader

LATER = 1_760_000_000 * NS_PER_SECOND


def fill(minute: int, number: int = 1, shares: int = 10, reason: str = "buy") -> tuple[Any, ...]:
    return (OPEN + minute * NS_PER_MINUTE, number, 181_500_000, shares, 0, 0, number, reason)


def crowd(count: int) -> tuple[FakeReader, list[Pair]]:
    """So many strategies, each with a fill a minute after the one before it."""
    reader, pairs = FakeReader(), []
    for n in range(count):
        row = strategy(name=f"s{n}", opened=LATER + n)
        reader.fill_rows["ann", "IBM", row.name] = [fill(n)]
        pairs.append((row, position(name=row.name, time=OPEN + n * NS_PER_MINUTE, fills=1)))
    return reader, pairs


def test_the_newest_fills_of_all_are_shown_newest_first() -> None:
    reader, pairs = crowd(50)
    happened = events(pairs, Fills().newest(reader, pairs))
    assert [(event.kind, event.name) for event in happened.on_tape] == [
        ("bought", f"s{n}") for n in range(49, 49 - MOST, -1)
    ]
    assert [(event.kind, event.name) for event in happened.asked] == [
        ("opened", f"s{n}") for n in range(49, 49 - MOST_ASKED, -1)
    ]


def test_the_fills_of_few_strategies_are_asked_for_and_only_after_a_fill() -> None:
    reader, pairs = crowd(300)
    kept = Fills()
    kept.newest(reader, pairs)
    assert reader.asked.count("fills") == MOST
    kept.newest(reader, pairs)
    assert reader.asked.count("fills") == MOST
    row, _ = pairs[299]
    reader.fill_rows["ann", "IBM", row.name].append(fill(400, 2, -10, "stop_loss"))
    pairs[299] = (row, position(name=row.name, time=OPEN + 400 * NS_PER_MINUTE, fills=2))
    newest = events(pairs, kept.newest(reader, pairs)).on_tape
    assert reader.asked.count("fills") == MOST + 1
    assert "Sold 10 at $181.50, stop loss" in [event.words for event in newest]


def test_a_stop_by_todays_clock_hides_no_fill_of_a_running_strategy() -> None:
    reader, pairs = crowd(25)
    stopped = [(row, position(name=row.name, time=LATER, fills=1, status="stopped")) for row, _ in pairs[:24]]
    happened = events([*stopped, pairs[24]], Fills().newest(reader, [*stopped, pairs[24]]))
    assert ("bought", "s24") in [(event.kind, event.name) for event in happened.on_tape]


def test_openings_stops_and_halts_are_told_with_their_times() -> None:
    pairs: list[Pair] = [
        (strategy(name="new", opened=LATER + 2), None),
        (strategy(name="gone", opened=LATER, stopped=LATER + 3), position(name="gone", status="stopped")),
        (strategy(name="stuck", opened=LATER + 1), position(name="stuck", status="halted", time=OPEN)),
    ]
    happened = events(pairs, [])
    assert [(event.kind, event.name) for event in happened.asked] == [
        ("stopped", "gone"),
        ("opened", "new"),
        ("opened", "stuck"),
        ("opened", "gone"),
    ]
    assert [(event.kind, event.name) for event in happened.on_tape] == [("halted", "stuck")]


def test_a_fill_leads_to_its_strategy_and_says_what_was_done_and_why() -> None:
    reader = trader()
    pairs: list[Pair] = [(reader.strategy_rows[0], reader.position_rows[0])]
    rows = [event.row() for event in events(pairs, Fills().newest(reader, pairs)).on_tape]
    assert [row["words"] for row in rows] == [
        "Bought 55 at $181.80",
        "Sold 55 at $181.95, trailing stop",
        "Bought 55 at $181.70",
    ]
    assert rows[0]["address"] == "/user/ann/IBM/dip"
    assert rows[0]["time"] == "2013-10-07 10:10:00"


def test_a_split_is_no_trade() -> None:
    pairs: list[Pair] = [(strategy(), position(fills=1))]
    reader = FakeReader(fill_rows={("ann", "IBM", "dip"): [fill(1, shares=30, reason="split")]})
    assert [event.words for event in events(pairs, Fills().newest(reader, pairs)).on_tape] == ["Split: +30 shares"]
