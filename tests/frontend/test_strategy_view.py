"""What a strategy's page shows anew, and what it leaves alone, as the tape rests and goes on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from frontend.reports import Reports
from frontend.strategy_view import Look, View, view_of
from riskcontrol.trades import NS_PER_SECOND
from tests.frontend.fake import FakeReader, trader


class Page:
    """A page with the tab of statistics, which changes with its report alone."""

    def __init__(self, reader: FakeReader) -> None:
        self.reader = reader
        self.context: Any = SimpleNamespace(
            source=SimpleNamespace(read=lambda ask: ask(reader)),
            reports=Reports(),
        )
        self.shown: dict[str, Any] = {}

    def look(self, *, resting: bool) -> dict[str, Any]:
        """Return what changes."""
        reader, look = self.reader, Look("statistics", "All", "equity", False)
        view = View(reader.strategy_rows[0], reader.position_rows[0], reader.prices["IBM"], look, resting)
        overlays: Any = None  # of the tab of prices alone
        changed = view_of(view, self.context, overlays, self.shown)
        self.shown = changed.get("version", self.shown)
        return changed


def test_a_tape_that_rests_and_goes_on_changes_nothing_where_nothing_was_traded() -> None:
    page = Page(trader())
    assert "statistics" in page.look(resting=False)
    assert [page.look(resting=resting) for resting in (True, False, True, False)] == [{}] * 4
    assert page.reader.asked.count("fills") == 1


def test_at_rest_all_is_shown_up_to_the_last_trade_once() -> None:
    page = Page(trader())
    page.look(resting=False)
    time, price = page.reader.prices["IBM"]
    page.reader.prices["IBM"] = (time + NS_PER_SECOND, price // 2)
    live = page.look(resting=False)
    assert "cards" in live
    assert "statistics" not in live, "the minute goes on"
    assert {"statistics", "verdict"} <= page.look(resting=True).keys()
    assert [page.look(resting=resting) for resting in (True, False, True)] == [{}] * 3


def test_what_was_made_anew_for_others_is_shown_with_the_next_price() -> None:
    page, other = Page(trader()), Page(trader())
    other.context = page.context
    page.look(resting=False)
    time, price = page.reader.prices["IBM"]
    for reader in (page.reader, other.reader):
        reader.prices["IBM"] = (time + NS_PER_SECOND, price // 2)
    other.look(resting=True)
    assert {"statistics", "verdict"} <= page.look(resting=False).keys()
