"""The verdict on a strategy: pull it, keep testing it, or scale it up, with the numbers behind that.

Each rule of `RULES` looks at one thing and points one way. One that points to *pull* decides; else one that points to
*keep testing* does; a strategy is scaled up only when none of them has anything against it. `docs/verdict.md` lists
the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from riskcontrol.statistics import STATISTICS, Record, Value, format_value


class Decision(Enum):
    """What to do with a strategy; its value is how that is said."""

    PULL = "pull"
    KEEP_TESTING = "keep testing"
    SCALE_UP = "scale up"


PULL, KEEP_TESTING, SCALE_UP = Decision.PULL, Decision.KEEP_TESTING, Decision.SCALE_UP


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the rules turn; fractions, where no unit is named.

    Attributes:
        round_trips: Fewest on which a strategy is judged by what it made.
        days: Fewest trading days on which one is scaled up.
        days_to_pull: Fewest trading days on which one is pulled for its probabilistic Sharpe ratio.
        scale_up_probability: Least probabilistic Sharpe ratio with which one is scaled up, if it is the only one tried.
        pull_probability: Probabilistic Sharpe ratio at or under which one is pulled.
        pull_sqn: System quality number (t-statistic of the mean profit) at or under which one is pulled; -1.645 is
            the normal distribution's one in twenty.
        drawdown: Deepest fall from a peak that is borne.
        share: Largest share of the profit that may come from one day, or from one round trip.
        fees: Largest share of the gross profit that fees may eat for one to be scaled up.
        excess: Least return above buy & hold with which one is scaled up.
        trials: How many variants this one is the best of: the best of a hundred looks good by chance alone, so the
            probability wanted becomes 1 − (1 − `scale_up_probability`) / `trials` (Bonferroni).
    """

    round_trips: int = 30
    days: int = 60
    days_to_pull: int = 20
    scale_up_probability: float = 0.95
    pull_probability: float = 0.05
    pull_sqn: float = -1.645
    drawdown: float = 0.25
    share: float = 0.5
    fees: float = 0.5
    excess: float = 0.0
    trials: int = 1

    @property
    def wanted_probability(self) -> float:
        """Probabilistic Sharpe ratio with which one is scaled up, given how many were tried.

        >>> Limits().wanted_probability, Limits(trials=1000).wanted_probability
        (0.95, 0.99995)
        """
        return self.scale_up_probability if self.trials <= 1 else 1 - (1 - self.scale_up_probability) / self.trials


DEFAULT = Limits()


@dataclass(frozen=True, slots=True)
class Reason:
    """What one rule says.

    Attributes:
        rule: Its name.
        points_to: What it would do.
        words: Why, in plain words, with the number.
        value: The number, in the unit that the rule compares; None where there is none yet.
    """

    rule: str
    points_to: Decision
    words: str
    value: float | int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, and why: the reasons that decided first, then the others in the rules' order."""

    decision: Decision
    reasons: tuple[Reason, ...]


Statistics = Mapping[str, Value]
Finding = tuple[Decision, str, Value]
"""Which way a rule points, its words, the number behind them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table.

    Attributes:
        name: Its name.
        pulls: When it points to pull, in words; "" if it never does.
        keeps: When it points to keep testing, in words; "" if it never does. Else it points to scale up.
        judge: What it says of a record; None where it has nothing to say.
    """

    name: str
    pulls: str
    keeps: str
    judge: Callable[[Statistics, Record, Limits], Finding | None]


def verdict(statistics: Statistics, record: Record, limits: Limits = DEFAULT) -> Verdict:
    """Judge a strategy by its statistics.

    Args:
        statistics: What `riskcontrol.statistics.compute` gives for the record.
        record: The run.
        limits: Where the rules turn.

    >>> from riskcontrol.statistics import compute
    >>> from riskcontrol.statistics.examples import traded
    >>> record = traded((10, 12), (12, 13))
    >>> judged = verdict(compute(record), record)
    >>> judged.decision.value, judged.reasons[0].words
    ('keep testing', '2 round trips: 28 more are needed to judge by.')
    """
    found = [(rule, rule.judge(statistics, record, limits)) for rule in RULES]
    reasons = [Reason(rule.name, *finding) for rule, finding in found if finding is not None]
    decision = next(
        (one for one in (PULL, KEEP_TESTING) if any(reason.points_to is one for reason in reasons)), SCALE_UP
    )
    return Verdict(decision, tuple(sorted(reasons, key=lambda reason: reason.points_to is not decision)))


def _round_trips(values: Statistics, _: Record, limits: Limits) -> Finding:
    count = int(values["round_trips"] or 0)
    if count < limits.round_trips:
        missing = limits.round_trips - count
        return KEEP_TESTING, f"{_count(count, 'round trip')}: {missing} more {_are(missing)} needed to judge by.", count
    return SCALE_UP, f"{count:,} round trips are enough to judge by.", count


def _days(values: Statistics, _: Record, limits: Limits) -> Finding:
    count = int(values["days"] or 0)
    if count < limits.days:
        missing = limits.days - count
        return (
            KEEP_TESTING,
            f"{_count(count, 'trading day')}: {missing} more {_are(missing)} needed before scaling up.",
            count,
        )
    return SCALE_UP, f"{count:,} trading days are enough to scale up on.", count


def _profit(values: Statistics, _: Record, limits: Limits) -> Finding:
    made = int(values["end_equity"] or 0) - int(values["start_equity"] or 0)
    if made <= 0:
        return KEEP_TESTING, f"{f'Loses {_money(-made)}' if made else 'Makes nothing'} after fees.", made
    return SCALE_UP, f"Makes {_money(made)} after fees.", made


def _loses_by_trip(values: Statistics, _: Record, limits: Limits) -> Finding | None:
    quality = values["sqn"]
    if quality is None or int(values["round_trips"] or 0) < limits.round_trips:
        return None
    if quality > limits.pull_sqn:
        return None
    average, number = _money(int(values["expectancy"] or 0)), _ratio(quality)
    return PULL, f"Loses money by the round trip, too steadily for chance: {average} each, SQN {number}.", quality


def _probability(values: Statistics, _: Record, limits: Limits) -> Finding:
    chance = values["probabilistic_sharpe"]
    if chance is None:
        words = "No probabilistic Sharpe ratio yet: it needs two days with different returns, and equity above zero."
        return KEEP_TESTING, words, None
    enough = int(values["round_trips"] or 0) >= limits.round_trips and int(values["days"] or 0) >= limits.days_to_pull
    said = f"The probability that its true Sharpe ratio is above zero is {_percent(chance)}"
    if chance <= limits.pull_probability and enough:
        return PULL, f"{said}: at or under {_percent(limits.pull_probability)}, it most likely loses.", chance
    tried = f" for the best of {limits.trials:,} variants" if limits.trials > 1 else ""
    wanted = f"{limits.wanted_probability * 100:.6g}%"
    if chance < limits.wanted_probability:
        return KEEP_TESTING, f"{said}; {wanted} are needed{tried}.", chance
    return SCALE_UP, f"{said}; {wanted} were needed{tried}.", chance


def _drawdown(values: Statistics, _: Record, limits: Limits) -> Finding | None:
    deepest = values["max_drawdown"]
    if deepest is None:
        return None
    if -deepest > limits.drawdown:
        words = f"Fell {_percent(-deepest)} from a peak, past your limit of {_percent(limits.drawdown)}."
        return PULL, words, deepest
    return (
        SCALE_UP,
        f"Fell at most {_percent(-deepest)} from a peak; your limit is {_percent(limits.drawdown)}.",
        deepest,
    )


def _fees(values: Statistics, record: Record, limits: Limits) -> Finding | None:
    if record.trips is None or not len(record.trips):
        return None
    before = (record.trips.profit + record.trips.fees).tolist()
    gross, fees = sum(profit for profit in before if profit > 0), int(record.trips.fees.sum())
    if not fees:
        return None
    said = f"Fees of {_money(fees)} against {_money(gross)} that winning round trips make before fees"
    share = fees / gross if gross else None
    if fees >= gross and len(record.trips) >= limits.round_trips:
        return PULL, f"{said}: fees eat all of it.", share
    if share is None or share > limits.fees:
        return KEEP_TESTING, f"{said}; at most {_percent(limits.fees)} may go.", share
    return SCALE_UP, f"{said}: fees eat {_percent(share)}.", share


def _one_day(values: Statistics, record: Record, limits: Limits) -> Finding | None:
    ends = np.append([record.daily.start], record.daily.values)
    return _concentration(np.diff(ends).tolist(), "day", limits)


def _one_trip(values: Statistics, record: Record, limits: Limits) -> Finding | None:
    return None if record.trips is None else _concentration(record.trips.profit.tolist(), "round trip", limits)


def _concentration(profits: list[int], what: str, limits: Limits) -> Finding | None:
    total = sum(profits)
    if total <= 0:
        return None
    share = max(profits) / total
    said = f"The best {what} made {'more than all profit' if share > 1 else _percent(share) + ' of all profit'}"
    if share > limits.share:
        return KEEP_TESTING, f"{said}; at most {_percent(limits.share)} may come from one.", share
    return SCALE_UP, f"{said}: it doesn't hang on one.", share


def _excess(values: Statistics, _: Record, limits: Limits) -> Finding | None:
    made, held = values["total_return"], values["buy_and_hold_return"]
    if made is None or held is None:
        return None
    excess = made - held
    against = f"{_percent(made)} against {_percent(held)}"
    points = KEEP_TESTING if excess < limits.excess else SCALE_UP
    verb = "Is behind" if excess < 0 else "Beats"
    wanted = f"; {_percent(limits.excess)} are wanted" if points is KEEP_TESTING and limits.excess > 0 else ""
    return points, f"{verb} buy & hold by {_percent(abs(excess))}: {against}{wanted}.", excess


RULES: tuple[Rule, ...] = (
    Rule("enough round trips", "", "round trips < `round_trips`", _round_trips),
    Rule("enough days", "", "trading days < `days`", _days),
    Rule("makes money", "", "end equity ≤ start equity", _profit),
    Rule("loses by the round trip", "SQN ≤ `pull_sqn`, with `round_trips` or more", "", _loses_by_trip),
    Rule(
        "probably above zero",
        "probabilistic Sharpe ratio ≤ `pull_probability`, with `round_trips` and `days_to_pull` or more",
        "probabilistic Sharpe ratio < `scale_up_probability` (higher with `trials`), or none",
        _probability,
    ),
    Rule("drawdown", "max drawdown deeper than `drawdown`", "", _drawdown),
    Rule(
        "fees",
        "fees ≥ gross profit (what winning round trips make before fees), with `round_trips` or more",
        "fees > `fees` × gross profit",
        _fees,
    ),
    Rule("one day", "", "profit of the best day > `share` × profit of all days", _one_day),
    Rule("one round trip", "", "profit of the best round trip > `share` × profit of all round trips", _one_trip),
    Rule("buy & hold", "", "return − buy & hold return < `excess`", _excess),
)
"""Every rule, in the order in which reasons of one direction are given."""


def _money(micros: int) -> str:
    return format_value(STATISTICS["fees"], micros)


def _percent(fraction: float) -> str:
    return format_value(STATISTICS["total_return"], fraction)


def _ratio(value: float) -> str:
    return format_value(STATISTICS["sqn"], value)


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
