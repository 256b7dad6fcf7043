"""Follows the strategies for which somebody wants alerts, and no others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from database.reads import PositionRow, Reader, StrategyRow
from frontend.boxes import Boxes
from frontend.deliveries import Deliveries, Sender, Told
from frontend.positions import Prices
from frontend.pulse import PATIENCE_SECONDS
from frontend.reports import Reports
from frontend.summaries import Summaries
from riskcontrol.alerts import box as boxes_of
from riskcontrol.alerts.box import Box, Change
from riskcontrol.alerts.events import (
    MOST_LISTED,
    Cursor,
    Event,
    Fill,
    Judged,
    fill_events,
    first_untold,
    judged_events,
)
from riskcontrol.alerts.rules import Contact, Rule
from riskcontrol.alerts.signing import Keys
from riskcontrol.alerts.store import AlertStore
from riskcontrol.errors import RowDamaged
from riskcontrol.newyork import date_of

RULES_SECONDS = 2.0
"""How long rules and contacts that were read count as current."""
JUDGE_SECONDS = 0.5
"""How long one look may make statistics; those that are missing come with the next one."""
MOST_FILLS = 10_000
"""Most fills of a strategy that are read where the newest by time aren't the newest by number: after a replay."""
MOST_NOTED = 100
"""Most alerts that are written at a time."""

Pair = tuple[StrategyRow, PositionRow]
Found = tuple[Sequence[Event], Cursor]
Key = tuple[str, str, str]


class Follower:
    """Looks at the rows that the job writes, notes what happened, and has it sent.

    Args:
        reader: The job's rows.
        store: Rules, contacts and alerts.
        senders: By channel.
        keys: Make ids and codes.
        clock: Seconds since 1970; another one in tests.
        steady: Seconds that only grow; likewise.
        told: Told what goes wrong.
    """

    def __init__(
        self,
        reader: Reader,
        store: AlertStore,
        senders: Mapping[str, Sender],
        keys: Keys,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        told: Told = lambda words: None,
    ) -> None:
        self._reader = reader
        self._store = store
        self._keys = keys
        self._clock = clock
        self._told = told
        self._broken: set[str] = set()
        self._boxes = Boxes(store)
        self.deliveries = Deliveries(store, self._boxes, senders, keys, clock, told)
        self._steady = steady
        self._summaries = Summaries(Reports(), steady)
        self._last: dict[str, tuple[int, int] | None] = {}
        self._moved_at = steady()
        self._rules: dict[Key, Rule] = {}
        self._contacts: dict[str, Contact] = {}
        self._rules_at = float("-inf")
        self._strategies: dict[Key, StrategyRow] = {}

    def look(self) -> None:
        """Look once.

        Raises:
            ServerError: The database doesn't answer. What was noted stays; the next look goes on from there.
        """
        self._read_rules()
        self._read_boxes()
        pairs = self._pairs()
        prices = self._reader.marks()
        last = {strategy.ticker: prices.get(strategy.ticker) for strategy, _ in pairs}
        if last != self._last:
            self._last, self._moved_at = last, self._steady()
        self._note_fills(pairs)
        self._note_judged(pairs, prices)
        self.deliveries.begin([one for one in self._contacts.values() if one.username not in self._broken])

    def forget(self) -> None:
        """Forget what was known of boxes: another process may have changed them."""
        self._boxes.forget()
        self._rules_at = float("-inf")

    def close(self) -> None:
        """Wait for what is on its way."""
        self.deliveries.close()

    def _read_rules(self) -> None:
        if self._clock() - self._rules_at < RULES_SECONDS:
            return
        self._rules = {rule.key: rule for rule in self._store.rules() if not rule.empty}
        self._contacts = {contact.username: contact for contact in self._store.contacts()}
        self._rules_at = self._clock()
        for key in set(self._strategies) - set(self._rules):
            del self._strategies[key]

    def _read_boxes(self) -> None:
        """Find out whose box is damaged: they are told nothing until it is mended, the others all the same."""
        broken: set[str] = set()
        for username in {rule.username for rule in self._rules.values()} | set(self._contacts):
            try:
                self._boxes.of(username)
            except RowDamaged as error:
                broken.add(username)
                if username not in self._broken:
                    self._told(f"{error}; {username} is told nothing until it is mended")
        self._broken = broken

    def _pairs(self) -> list[Pair]:
        """Return the strategies that are followed and have seen a trade, with their positions."""
        for key in self._rules:
            if key not in self._strategies and (found := self._reader.strategy(*key)) is not None:
                self._strategies[key] = found  # but for its stop, which doesn't matter here, it never changes
        strategies = [one for one in self._strategies.values() if one.username not in self._broken]
        positions = self._reader.positions(strategies) if strategies else []
        return [(one, at) for one, at in zip(strategies, positions, strict=True) if at is not None]

    def _note_fills(self, pairs: Sequence[Pair]) -> None:
        for strategy, position in pairs:
            rule = self._rules[_key(strategy)]
            cursor = self._boxes.of(rule.username).cursor(rule)
            if rule.fills is None or position.fills < first_untold(rule, cursor):
                continue
            fills = self._fills(rule, first_untold(rule, cursor), position.fills)

            def found(box: Box, rule: Rule = rule, fills: Sequence[Fill] = fills, count: int = position.fills) -> Found:
                return fill_events(rule, box.cursor(rule), fills, count)

            self._note(rule, found)

    def _fills(self, rule: Rule, first: int, last: int) -> list[Fill]:
        """Return the fills with these numbers, as far as they are written, the newest alone where there are many."""
        wanted = last - first + 1
        for limit in (min(wanted, MOST_LISTED), MOST_FILLS):
            frame = self._reader.fills(*rule.key, limit=limit)
            columns = (frame[name].tolist() for name in Fill.__slots__)
            rows = [Fill(*row) for row in zip(*columns, strict=True)]
            if wanted > MOST_LISTED or {fill.number for fill in rows} >= set(range(first, last + 1)):
                break
        return rows

    def _note_judged(self, pairs: Sequence[Pair], prices: Prices) -> None:
        rules = [self._rules[_key(strategy)] for strategy, _ in pairs]
        judged = [
            (rule, pair)
            for rule, pair in zip(rules, pairs, strict=True)
            if rule.drawdown is not None or rule.verdict is not None
        ]
        if not judged:
            return
        day = date_of(max((at for at, _ in prices.values()), default=0))
        chosen = [pair for _, pair in judged]
        resting = self._steady() - self._moved_at >= PATIENCE_SECONDS
        summaries = self._summaries.of(self._reader, chosen, prices, day, seconds=JUDGE_SECONDS, resting=resting)
        for (rule, (_, position)), summary in zip(judged, summaries, strict=True):
            if summary is None or summary.decision is None:
                continue
            time_ = max(position.time, prices.get(rule.ticker, (0, 0))[0])
            now = Judged(time_, summary.drawdown, summary.decision.value, summary.reason)

            def found(box: Box, rule: Rule = rule, now: Judged = now) -> Found:
                return judged_events(rule, box.cursor(rule), now)

            self._note(rule, found)

    def _note(self, rule: Rule, find: Callable[[Box], Found]) -> None:
        """Note what is found, a part at a time where it is much."""

        def change(box: Box) -> Change | None:
            events, cursor = find(box)
            if cursor == box.cursor(rule):
                return None
            if len(events) > MOST_NOTED:  # only fills come so many at a time
                events = events[:MOST_NOTED]
                cursor = box.cursor(rule).after(events[-1].number)
            contact = self._contacts.get(rule.username)
            return boxes_of.note(box, rule, contact, (events, cursor), self._keys, self._clock())

        while self._boxes.change(rule.username, change):
            pass


def _key(strategy: StrategyRow) -> Key:
    return strategy.username, strategy.ticker, strategy.name
