"""The market at a glance: what is ranked, and what is found."""

from __future__ import annotations

from frontend.board import ROWS, board, movers
from riskcontrol.newyork import date_of
from riskcontrol.trades import NS_PER_MINUTE
from tests.frontend.fake import OPEN, quotes

DAY = date_of(OPEN)
CLOSES = {"A": 13_000_000, "B": 12_000_000, "C": 11_000_000, "X": 8_500_000, "Y": 9_000_000}
"""By ticker: where a minute closed, all having begun the day at 10 dollars."""


def test_nothing_is_known_before_the_first_minute_is_over() -> None:
    assert board(DAY, quotes()) is None


def test_what_trades_most_and_what_moves_most_come_first() -> None:
    found = board(DAY, quotes(
        ("CALM", 10_000_000, 10_000_000, 900),
        ("UP", 10_000_000, 11_000_000, 100),
        ("DOWN", 10_000_000, 9_000_000, 200),
        ("LESS", 10_000_000, 9_900_000, 300),
        ("PENNY", 10_000, 20_000, 1),
        ("ODDLOT", 0, 0, 5),
    ))  # fmt: skip
    assert found is not None
    assert [quote.ticker for quote in found.active[:3]] == ["CALM", "LESS", "DOWN"]
    assert [quote.ticker for quote in found.gainers] == ["UP"]  # a cent more of a cent is no news
    assert [quote.ticker for quote in found.losers] == ["DOWN", "LESS"]
    assert (found.tickers, found.trades, found.rising, found.falling) == (6, 6, 2, 2)
    assert found.notional == 9_000_000_000 + 1_100_000_000 + 1_800_000_000 + 2_970_000_000 + 20_000


def test_a_list_has_so_many_rows_and_no_more() -> None:
    found = board(DAY, quotes(*((f"T{i}", 10_000_000, 10_000_000 + 10_000 * i, 1) for i in range(ROWS + 9))))
    assert found is not None
    assert len(found.active) == len(found.gainers) == ROWS
    assert found.gainers[0].ticker == f"T{ROWS + 8}"


def test_a_quote_goes_with_the_last_price_of_its_day() -> None:
    found = board(DAY, quotes(("IBM", 10_000_000, 11_000_000, 1)))
    assert found is not None
    quote = found.quotes["IBM"]
    assert quote.change({"IBM": (OPEN + NS_PER_MINUTE, 12_000_000)}) == 12 / 10 - 1
    assert quote.last({}) == 11_000_000
    yesterday = {"IBM": (OPEN - 24 * 60 * NS_PER_MINUTE, 12_000_000)}
    assert quote.last(yesterday) == 11_000_000


def test_movers_are_sorted_by_the_change_that_is_shown() -> None:
    found = board(DAY, quotes(*((name, 10_000_000, close, 1) for name, close in CLOSES.items())))
    assert found is not None
    assert [quote.ticker for quote in found.gainers] == ["A", "B", "C"]
    now = OPEN + NS_PER_MINUTE
    prices = {"B": (now, 14_000_000), "C": (now, 9_000_000), "X": (now, 9_500_000), "Y": (now, 8_000_000)}
    assert [quote.ticker for quote in movers(found.gainers, prices)] == ["B", "A"], "C has turned round"
    assert [quote.ticker for quote in movers(found.losers, prices, falling=True)] == ["Y", "X"]
