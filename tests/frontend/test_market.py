"""The market's page and a ticker's, called over HTTP as a browser calls them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from frontend import market
from frontend.pages import ticker as ticker_page
from riskcontrol.newyork import date_of
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.frontend.conftest import Page
from tests.frontend.fake import OPEN, FakeReader, batch, quotes

NOW = OPEN + 60 * NS_PER_MINUTE + 5 * NS_PER_SECOND


@pytest.fixture(autouse=True)
def _day(tables: FakeReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market, "BOARD_SECONDS", 0)
    monkeypatch.setattr(market, "BOARD_LATEST", 0)
    tables.day_rows[date_of(OPEN)] = quotes(
        ("IBM", 181_000_000, 181_500_000, 5_000), ("BAC", 14_000_000, 13_810_000, 9_000)
    )


def refresh(page: Page, **values: Any) -> dict[str, Any]:
    return page.call("board-cards.children", "market.data", **values)


def draw(page: Page, ticker: str = "IBM", **values: Any) -> dict[str, Any]:
    chosen = {"candles_period__value": "1d", "candles_interval__value": "1m", "ticker__data": ticker}
    return page.call("candles.figure", "market.data", **{**chosen, **values})


def words(children: Any) -> str:
    """All text in components, one after the other."""
    if isinstance(children, dict):
        return words(children.get("props", {}).get("children"))
    return " ".join(map(words, children)) if isinstance(children, list) else str(children or "")


def test_the_market_shows_rates_sums_and_what_moves(page: Page) -> None:
    found = refresh(page)
    assert words(found["board-day.children"]) == "Monday, 2013-10-07 · until 09:31 New York"
    cards = words(found["board-cards.children"])
    assert "Trades/s, last minute 20,000" in cards
    assert "Tickers traded today 2" in cards
    assert "Rising : falling 1 : 1" in cards
    active, gainers, losers = (words(found[f"board-{name}.children"]) for name in ("active", "gainers", "losers"))
    assert active.index("IBM") < active.index("BAC")
    assert "IBM 182.00 +0.55%" in gainers  # at the last price, not at the minute's end
    assert "BAC 13.81 −1.36%" in losers
    assert '"href": "/market/IBM"' in json.dumps(found["board-active.children"])


def test_nothing_is_sent_while_nothing_changes_and_a_new_price_is(page: Page, tables: FakeReader) -> None:
    first = refresh(page)
    assert refresh(page, board_version__data=first["board-version.data"]) == {}
    tables.prices["IBM"] = (NOW + NS_PER_SECOND, 183_000_000)
    again = refresh(page, board_version__data=first["board-version.data"])
    assert "183.00" in words(again["board-gainers.children"])


def test_a_stream_that_stands_still_has_no_rate(page: Page, tables: FakeReader) -> None:
    tables.batch_rows = [batch(100 + i, event_time=NOW) for i in range(9, -1, -1)]
    assert "last minute 0 " in words(refresh(page)["board-cards.children"])


def test_before_the_first_minute_is_over_it_is_said(page: Page, tables: FakeReader) -> None:
    tables.day_rows.clear()
    found = refresh(page)
    assert "No minute of a trading day is over yet" in words(found["board-notice.children"])
    assert found["board-active.children"] is None


def test_without_database_the_page_says_so_or_stays(page: Page, tables: FakeReader) -> None:
    shown = refresh(page)["board-version.data"]
    drawn = draw(page)["candles-version.data"]
    tables.away = True
    assert "while the database is away" in words(refresh(page)["board-notice.children"])
    assert refresh(page, board_version__data=shown) == {}
    assert "IBM can't be shown" in words(draw(page)["ticker-notice.children"])
    assert draw(page, candles_version__data=drawn) == {}
    assert page.call("ticker-search.data", "board-there.data", board_there__data="yes") == {}


def test_the_search_knows_all_tickers_and_leads_to_one(page: Page, tables: FakeReader) -> None:
    tables.prices["AAA"] = (NOW, 5_000_000)
    first = refresh(page)
    assert first["board-there.data"] == "yes"
    found = page.call("ticker-search.data", "board-there.data", board_there__data="yes")
    assert found["ticker-search.data"] == ["IBM", "BAC", "AAA"]  # the most traded first
    tables.prices["IBM"] = (NOW + NS_PER_SECOND, 183_000_000)
    assert "board-there.data" not in refresh(page, board_version__data=first["board-version.data"])
    gone = page.call("ticker-search.value", "ticker-search.value", ticker_search__value="BRK/B")
    assert gone == {"goto.href": "/market/BRK%2FB", "ticker-search.value": None}


def test_a_ticker_has_candles_its_last_price_and_the_day_so_far(page: Page) -> None:
    found = draw(page)
    assert [trace["type"] for trace in found["candles.figure"]["data"]] == ["candlestick", "bar", "scatter"]
    assert found["candles.figure"]["data"][2]["y"] == [182.0, 182.0]
    assert words(found["ticker-last.children"]) == "$182.00 +0.55% today 2013-10-07 10:30:05 New York"
    assert "Open $181.00" in words(found["ticker-figures.children"])
    assert (found["ticker-all.hidden"], found["candles-note.children"]) == (False, "")


def test_a_new_price_moves_the_line_alone_and_a_new_minute_the_candles(page: Page, tables: FakeReader) -> None:
    drawn = draw(page)
    assert draw(page, candles_version__data=drawn["candles-version.data"]) == {}
    asked = len(tables.asked)
    tables.prices["IBM"] = (NOW + NS_PER_SECOND, 183_000_000)
    moved = draw(page, candles_version__data=drawn["candles-version.data"])
    assert "bars" not in tables.asked[asked:]
    (change,) = moved["candles.figure"]["operations"]
    assert (change["location"], change["params"]["value"]) == (["data", 2, "y"], [183.0, 183.0])
    tables.prices["IBM"] = (NOW + NS_PER_MINUTE, 183_000_000)
    later = draw(page, candles_version__data=drawn["candles-version.data"])["candles.figure"]
    places = {tuple(operation["location"]) for operation in later["operations"]}
    assert places == {("data",), ("layout", "xaxis", "rangebreaks")}


def test_another_period_or_interval_is_another_graph(page: Page) -> None:
    drawn = draw(page)
    other = draw(page, candles_interval__value="5m", candles_version__data=drawn["candles-version.data"])
    assert other["candles.figure"]["layout"]["uirevision"] == "IBM 1d 5m"
    strange = draw(page, candles_period__value="<b>", candles_interval__value="7m")
    assert strange["candles.figure"]["layout"]["uirevision"] == "IBM 1d 1m"


@pytest.mark.usefixtures("own_application")
def test_candles_too_many_to_draw_are_longer_and_it_is_said(page: Page, tables: FakeReader) -> None:
    tables.bar_rows["IBM"] = [
        (OPEN - day * 24 * 60 * NS_PER_MINUTE + i * NS_PER_MINUTE, 5, 5, 5, 5, 1, 5, 1)
        for day in (6, 5, 4, 3, 0)
        for i in range(500)
    ]
    assert "Shown in 5m" in draw(page, candles_period__value="5d")["candles-note.children"]


@pytest.mark.usefixtures("own_application")
def test_only_weekdays_are_asked_for(page: Page, tables: FakeReader, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    real = tables.bars
    monkeypatch.setattr(tables, "bars", lambda ticker, days: asked.extend(days) or real(ticker, days))
    draw(page, candles_period__value="5d")
    assert [day.isoformat() for day in asked] == [f"2013-10-0{day}" for day in (1, 2, 3, 4, 7)]


def test_an_unknown_ticker_is_told_and_one_without_bars_waits(page: Page, tables: FakeReader) -> None:
    unknown = draw(page, "ZZZ")
    assert "ZZZ has not traded on this stream" in words(unknown["ticker-notice.children"])
    assert unknown["ticker-all.hidden"] is True
    assert draw(page, "ZZZ", candles_version__data=unknown["candles-version.data"]) == {}
    waiting = draw(page, "BAC")
    assert "first minute isn't over" in waiting["candles.figure"]["layout"]["annotations"][0]["text"]
    tables.bar_rows["BAC"] = tables.bar_rows["IBM"]
    assert "data" in draw(page, "BAC", candles_version__data=waiting["candles-version.data"])["candles.figure"]


def test_the_table_is_filled_when_it_is_opened(page: Page) -> None:
    drawn = draw(page)

    def twin(clicks: int | None, shown: Any = None) -> dict[str, Any]:
        return page.call(
            "candles-rows.rowData",
            "candles-twin.n_clicks",
            candles_twin__n_clicks=clicks,
            candles_version__data=drawn["candles-version.data"],
            ticker__data="IBM",
            candles_period__value="1d",
            candles_interval__value="15m",
            twin_version__data=shown,
        )

    assert twin(None) == twin(2) == {}
    filled = twin(1)
    assert twin(1, filled["twin-version.data"]) == {}, "a price alone changes no row"
    rows = filled["candles-rows.rowData"]
    assert [row["time"] for row in rows] == [f"2013-10-07 {at}" for at in ("10:15", "10:00", "09:45", "09:30")]
    assert rows[0]["volume"] == 1_500
    assert rows[0]["low"] <= rows[0]["vwap"] <= rows[0]["high"]


@pytest.mark.parametrize("value", [["x"], {"a": 1}, 7, "x" * 300])
def test_what_no_page_sends_is_refused(page: Page, value: Any) -> None:
    assert page.post("candles.figure", "market.data", ticker__data=value).status_code == 400
    assert page.post("ticker-search.value", "ticker-search.value", ticker_search__value=value).status_code == 400


@pytest.mark.parametrize("ticker", ["%3Cimg%20src=x%3E", "a" * 40, "..", "%00"])
def test_a_hostile_address_is_a_clear_page(ticker: str, client: httpx.Client) -> None:
    shown = json.dumps(ticker_page.layout(ticker).to_plotly_json(), default=lambda part: part.to_plotly_json())
    assert "No such ticker" in shown
    assert "<img" not in shown
    assert client.get(f"/market/{ticker}").status_code == 200
