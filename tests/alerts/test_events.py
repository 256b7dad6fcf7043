"""Events out of rows: each once, in order, however the looks are spread."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.alerts.events import (
    DRAWDOWN,
    FILL,
    FILLS,
    MOST_LISTED,
    VERDICT,
    Cursor,
    Fill,
    Judged,
    fill_events,
    judged_events,
)
from riskcontrol.alerts.rules import Rule
from tests.alerts.fake import KEYS

RULE = Rule("ann", "IBM", "dip", fills=0, verdict=1, drawdown=100_000)


def fill(number: int, **more: object) -> Fill:
    return replace(Fill(number, number * 10, 181_850_000, 55, 1_000_000, 12_345_678, "buy"), **more)  # type: ignore[arg-type]


@given(st.integers(0, 40), st.integers(0, 40), st.lists(st.sets(st.integers(1, 40)), max_size=12))
def test_each_fill_is_told_once_in_order_whatever_is_written_when(
    since: int, count: int, looks: list[set[int]]
) -> None:
    rule, cursor, told = replace(RULE, fills=since), Cursor(), list[int]()
    for written in [*looks, set(range(1, 41))]:
        events, cursor = fill_events(rule, cursor, [fill(number) for number in written], count)
        told += [event.number for event in events]
        assert all(event.kind == FILL for event in events)
    assert told == list(range(since + 1, since + 1 + len(told)))
    # Also those that a position doesn't count yet, where they are there.
    assert count <= since + len(told) <= 40 if count > since else not told


def test_very_many_fills_are_told_by_one_event() -> None:
    newest = [fill(number) for number in range(501, MOST_LISTED + 502)]
    events, cursor = fill_events(RULE, Cursor(), newest, MOST_LISTED + 501)
    assert [(event.kind, event.number, event.words) for event in events] == [
        (FILLS, MOST_LISTED + 501, "1,501 fills, numbers 1 to 1,501")
    ]
    assert fill_events(RULE, cursor, newest, MOST_LISTED + 501) == ([], cursor)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (fill(1), "bought 55 at $181.85"),
        (fill(1, shares=-1_000, reason="sell"), "sold 1,000 at $181.85"),
        (fill(1, shares=-5, reason="trailing_stop"), "sold 5 at $181.85 (trailing stop)"),
        (fill(1, shares=55, reason="split"), "split: +55 shares"),
        (fill(1, shares=-55, reason="split"), "split: -55 shares"),
    ],
)
def test_a_fill_is_said_in_words_and_exactly(made: Fill, words: str) -> None:
    (event,), _ = fill_events(RULE, Cursor(), [made], 1)
    assert event.words == words
    assert event.facts == {
        "shares": made.shares, "price": "181.850000", "fee": "1.000000", "cash": "12.345678", "reason": made.reason,
    }  # fmt: skip


def judged(drawdown: float | None, verdict: str = "keep testing") -> Judged:
    return Judged(99, drawdown, verdict, "2 round trips: 28 more are needed to judge by.")


@given(st.lists(st.floats(-1, 0), min_size=1, max_size=20), st.integers(1, 999_999))
def test_the_limit_is_told_once_as_soon_as_the_fall_is_deeper(falls: list[float], limit: int) -> None:
    rule, cursor, told = replace(RULE, drawdown=limit, verdict=None), Cursor(), list[int]()
    for place, fall in enumerate(falls):
        events, cursor = judged_events(rule, cursor, judged(fall))
        told += [place] * len(events)
        assert all((event.kind, event.number) == (DRAWDOWN, limit) for event in events)
    deeper = [place for place, fall in enumerate(falls) if -fall * 1_000_000 > limit]
    assert told == deeper[:1]


def test_only_a_deeper_limit_is_told_after_another() -> None:
    cursor, told = Cursor(), list[int]()
    for limit in (200_000, 100_000, 50_000, 150_000, 300_000, 200_000):
        events, cursor = judged_events(replace(RULE, drawdown=limit), cursor, judged(-0.16))
        told += [event.number for event in events]
    assert told == [100_000, 150_000]
    (event,), _ = judged_events(RULE, Cursor(), judged(-0.123))
    assert event.words == "fell 12.30% from a peak, past your limit of 10%"
    assert event.facts == {"drawdown": "0.123000", "limit": "0.100000"}


@given(st.lists(st.sampled_from(["pull", "keep testing", "scale up"]), min_size=1, max_size=20))
def test_each_change_of_the_verdict_is_told_with_a_number_of_its_own(verdicts: list[str]) -> None:
    cursor, told = Cursor(), list[tuple[int, str]]()
    for verdict in verdicts:
        for _ in range(2):  # a second look finds nothing new
            events, cursor = judged_events(replace(RULE, drawdown=None), cursor, judged(None, verdict))
            told += [(event.number, str(event.facts["after"])) for event in events]
            assert all(event.kind == VERDICT for event in events)
    changes = [after for before, after in pairwise(verdicts) if after != before]
    assert told == list(enumerate(changes, 1))


def test_a_verdict_that_changed_while_nobody_asked_is_not_told() -> None:
    _, cursor = judged_events(RULE, Cursor(), judged(None, "pull"))
    again = replace(RULE, verdict=2)
    events, cursor = judged_events(again, cursor, judged(None, "scale up"))
    assert events == []
    events, _ = judged_events(again, cursor, judged(None, "pull"))
    assert [event.words.partition(".")[0] for event in events] == ["scale up became pull"]


def test_ids_tell_all_parts_apart() -> None:
    ids = {
        KEYS.event((username, ticker, name), kind, number)
        for username in ("ann", "annI")
        for ticker in ("IBM", "BM")
        for name in ("dip", "di")
        for kind in (FILL, "pfill")
        for number in (1, 11)
    }
    assert len(ids) == 32
    assert KEYS.event(("ann", "IBM", "dip"), FILL, 1) == KEYS.event(("ann", "IBM", "dip"), FILL, 1)
