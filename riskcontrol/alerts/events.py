"""Events out of what is known of a strategy: each once, and which ones were noted already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from riskcontrol.alerts.rules import Rule, percent_text
from riskcontrol.money import to_dollars
from riskcontrol.statistics import STATISTICS, format_value

FILL, FILLS, DRAWDOWN, VERDICT = "fill", "fills", "drawdown", "verdict"
MOST_LISTED = 1_000
"""Of more fills than this at a time, one event tells."""
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Fill:
    """A row of `fills`, as `database/schema.cql` has it."""

    number: int
    time: int
    price: int
    shares: int
    fee: int
    cash: int
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What a strategy's page says of it, at some moment.

    Attributes:
        time: Of the tape, nanoseconds.
        drawdown: Deepest fall from a peak, 0 or a negative fraction; None where there is none.
        verdict: The verdict.
        reason: Its first reason.
    """

    time: int
    drawdown: float | None
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a strategy.

    Attributes:
        kind: `FILL`, `FILLS`, `DRAWDOWN` or `VERDICT`.
        number: Which one of its kind.
        time: Of the tape, nanoseconds.
        words: What happened, without the strategy's name.
        facts: The same for programs: money in dollars, as text.
    """

    kind: str
    number: int
    time: int
    words: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Which of a strategy's events were noted.

    Attributes:
        fills: Number of the newest fill.
        drawdown: The deepest limit, millionths, whose passing was noted; 0: none.
        verdict: The verdict that was noted last; empty: none.
        verdicts: How many changes of it were noted.
        since: `Rule.verdict` when the verdict was looked at last: changes before another one aren't told.
    """

    fills: int = 0
    drawdown: int = 0
    verdict: str = ""
    verdicts: int = 0
    since: int = 0

    def after(self, fill: int) -> Cursor:
        """Return it with the fills up to a number noted."""
        return replace(self, fills=fill)


def first_untold(rule: Rule, cursor: Cursor) -> int:
    """Return the number of the first fill that hasn't been told, where the rule asks for fills."""
    return max(cursor.fills, rule.fills or 0) + 1


def fill_events(rule: Rule, cursor: Cursor, fills: Sequence[Fill], count: int) -> tuple[list[Event], Cursor]:
    """Return the events of fills that weren't noted, and the cursor after them.

    Fills may be written a moment after the position that counts them: those after a gap wait.

    Args:
        rule: What is asked for.
        cursor: What was noted.
        fills: The newest ones that there are, in any order.
        count: How many the position counts.
    """
    if rule.fills is None or count < first_untold(rule, cursor):
        return [], cursor
    number = first_untold(rule, cursor)
    if count - number >= MOST_LISTED:
        time = max((fill.time for fill in fills), default=0)
        words = f"{count - number + 1:,} fills, numbers {number:,} to {count:,}"
        return [Event(FILLS, count, time, words, {"first": number, "last": count})], cursor.after(count)
    by_number, events = {fill.number: fill for fill in fills}, []
    while number in by_number:
        events.append(_told(by_number[number]))
        number += 1
    return events, cursor.after(number - 1) if events else cursor


def judged_events(rule: Rule, cursor: Cursor, judged: Judged) -> tuple[list[Event], Cursor]:
    """Return the events of drawdown and verdict, and the cursor after them.

    Args:
        rule: What is asked for.
        cursor: What was noted.
        judged: What the strategy's page says now.
    """
    events = []
    limit, deepest = rule.drawdown, judged.drawdown
    if limit is not None and limit > cursor.drawdown and deepest is not None and -deepest * 1_000_000 > limit:
        fell = format_value(STATISTICS["total_return"], -deepest)
        words = f"fell {fell} from a peak, past your limit of {percent_text(limit)}%"
        facts: dict[str, str | int] = {"drawdown": f"{-deepest:.6f}", "limit": f"{limit / 1_000_000:.6f}"}
        events.append(Event(DRAWDOWN, limit, judged.time, words, facts))
        cursor = replace(cursor, drawdown=limit)
    if rule.verdict is None:
        return events, cursor
    if cursor.since != rule.verdict or not cursor.verdict:
        return events, replace(cursor, since=rule.verdict, verdict=judged.verdict)
    if cursor.verdict != judged.verdict:
        number = cursor.verdicts + 1
        words = f"{cursor.verdict} became {judged.verdict}. {judged.reason}"[:_LONGEST].rstrip()
        facts = {"before": cursor.verdict, "after": judged.verdict, "reason": judged.reason[:_LONGEST]}
        events.append(Event(VERDICT, number, judged.time, words, facts))
        cursor = replace(cursor, verdict=judged.verdict, verdicts=number)
    return events, cursor


def _told(fill: Fill) -> Event:
    price, shares = format_value(STATISTICS["fees"], fill.price), abs(fill.shares)
    if fill.reason == "split":
        words = f"split: {fill.shares:+,} shares"
    else:
        because = "" if fill.reason in ("buy", "sell") else f" ({fill.reason.replace('_', ' ')})"
        words = f"{'bought' if fill.shares > 0 else 'sold'} {shares:,} at {price}{because}"
    money = {name: f"{to_dollars(getattr(fill, name)):.6f}" for name in ("price", "fee", "cash")}
    facts: dict[str, str | int] = {"shares": fill.shares, **money, "reason": fill.reason}
    return Event(FILL, fill.number, fill.time, words, facts)
