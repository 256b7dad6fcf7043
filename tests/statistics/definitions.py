"""Every statistic a second time, in plain Python from its formula: slow, without NumPy, and without shared code."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist, mean, pstdev, stdev
from zoneinfo import ZoneInfo

from riskcontrol.statistics import Record

NEW_YORK = ZoneInfo("America/New_York")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
YEAR = 252
Number = float | int | None


@lru_cache(1 << 16)  # strategies share the minutes' ends, and most statistics ask for all of a record's
def trading_day(time: int) -> dt.date:
    moment = EPOCH + dt.timedelta(microseconds=(time - 1) // 1_000)
    day = moment.astimezone(NEW_YORK).date()
    return day - dt.timedelta(days=max(0, day.weekday() - 4))


def day_ends(record: Record) -> list[int]:
    """Return the indexes of the last points of the days that count."""
    days = [trading_day(int(time)) for time in record.time]
    ends = [i for i, day in enumerate(days) if i + 1 == len(days) or days[i + 1] != day]
    first = ends[0]
    return ends[1:] if record.time[first] == record.time[0] and int(record.value[first]) == record.cash else ends


def growth(values: list[int]) -> list[float]:
    return [float(Fraction(after, before) - 1) for before, after in pairwise(values)]


def returns(record: Record) -> list[float] | None:
    values = [record.cash, *(int(record.value[i]) for i in day_ends(record))]
    if min(values) <= 0 or len(values) < 3:
        return None
    return growth(values)


def market(record: Record) -> list[float] | None:
    if record.closes is None:
        return None
    return growth([int(record.closes[0]), *(int(record.closes[i]) for i in day_ends(record))])


def total_return(record: Record) -> Number:
    return float(Fraction(int(record.value[-1]), record.cash) - 1) if record.cash > 0 else None


def annualised_return(record: Record) -> Number:
    daily = returns(record)
    if daily is None or len(daily) < 30:
        return None
    try:
        return math.exp(sum(map(math.log1p, daily)) * YEAR / len(daily)) - 1
    except OverflowError:
        return None


def sharpe_of_a_day(record: Record) -> Number:
    daily = returns(record)
    if daily is None or stdev(daily) < 1e-9:
        return None
    return mean(daily) / stdev(daily)


def volatility(record: Record) -> Number:
    daily = returns(record)
    return None if daily is None else stdev(daily) * math.sqrt(YEAR)


def sharpe(record: Record) -> Number:
    ratio = sharpe_of_a_day(record)
    return None if ratio is None else ratio * math.sqrt(YEAR)


def sortino(record: Record) -> Number:
    daily = returns(record)
    if daily is None:
        return None
    downside = math.sqrt(mean(min(r, 0.0) ** 2 for r in daily))
    return None if downside < 1e-9 else mean(daily) / downside * math.sqrt(YEAR)


def probabilistic_sharpe(record: Record) -> Number:
    ratio, daily = sharpe_of_a_day(record), returns(record)
    if ratio is None or daily is None:
        return None
    middle, deviation, n = mean(daily), pstdev(daily), len(daily)
    skewness = sum((r - middle) ** 3 for r in daily) / n / deviation**3
    kurtosis = sum((r - middle) ** 4 for r in daily) / n / deviation**4
    inside = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
    return None if inside < 1e-9 else NormalDist().cdf(ratio * math.sqrt(n - 1) / math.sqrt(inside))


def value_at_risk(record: Record) -> Number:
    daily = sorted(returns(record) or [])
    if len(daily) < 20:
        return None
    place = 0.05 * (len(daily) - 1)
    low = math.floor(place)
    return daily[low] + (daily[low + 1] - daily[low]) * (place - low)


def conditional_value_at_risk(record: Record) -> Number:
    daily = sorted(returns(record) or [])
    return None if len(daily) < 20 else mean(daily[: math.floor(0.05 * (len(daily) - 1)) + 1])


def points(record: Record) -> list[tuple[int, int]]:
    start = (int(record.time[0]), record.cash)
    return [start, *zip(record.time.tolist(), record.value.tolist(), strict=True)]


def falls(record: Record) -> list[tuple[float, int]]:
    """Return depth and length of each drawdown, one pass over the points."""
    (peak_time, peak), *rest = points(record)
    found: list[tuple[float, int]] = []
    depth, time = 0.0, peak_time
    for time, value in rest:
        if value >= peak:
            if depth < 0:
                found.append((depth, time - peak_time))
            peak_time, peak, depth = time, value, 0.0
        else:
            depth = min(depth, float(Fraction(value, peak) - 1))
    return [*found, (depth, time - peak_time)] if depth < 0 else found


def max_drawdown(record: Record) -> Number:
    return min([depth for depth, _ in falls(record)], default=0.0) if record.cash > 0 else None


def max_drawdown_duration(record: Record) -> Number:
    if record.cash <= 0:
        return None
    found = falls(record)
    return min(found, key=lambda fall: fall[0])[1] if found else 0


def longest_drawdown(record: Record) -> Number:
    return max([length for _, length in falls(record)], default=0) if record.cash > 0 else None


def calmar(record: Record) -> Number:
    grown, deepest = annualised_return(record), max_drawdown(record)
    return grown / -deepest if grown is not None and deepest else None


def buy_and_hold_return(record: Record) -> Number:
    return None if record.closes is None else float(Fraction(int(record.closes[-1]), int(record.closes[0])) - 1)


def beta(record: Record) -> Number:
    daily, other = returns(record), market(record)
    if daily is None or other is None or pstdev(other) < 1e-9:
        return None
    ours, theirs = mean(daily), mean(other)
    together = sum((x - ours) * (y - theirs) for x, y in zip(daily, other, strict=True))
    return together / sum((y - theirs) ** 2 for y in other)


def alpha(record: Record) -> Number:
    slope, daily, other = beta(record), returns(record), market(record)
    if slope is None or daily is None or other is None or len(daily) < 30:
        return None
    try:
        return (1 + mean(x - slope * y for x, y in zip(daily, other, strict=True))) ** YEAR - 1
    except OverflowError:
        return None


def trips(record: Record) -> list[tuple[int, float]] | None:
    """Return profit and return of each round trip."""
    if record.fills is None:
        return None
    fills = record.fills
    rows = list(zip(*(getattr(fills, name).tolist() for name in ("price", "shares", "fee", "cash")), strict=True))
    found = []
    for (price, shares, fee, cash), (_, _, _, after) in zip(rows[::2], rows[1::2], strict=False):
        cost = price * shares + fee
        found.append((after - cash - cost, (after - cash - cost) / cost))
    return found


def profits(record: Record) -> list[int]:
    return [profit for profit, _ in trips(record) or []]


def of_trip_returns(choose: Callable[[list[float]], float]) -> Callable[[Record], Number]:
    def chosen(record: Record) -> Number:
        found = [made for _, made in trips(record) or []]
        return choose(found) if found else None

    return chosen


def win_rate(record: Record) -> Number:
    made = profits(record)
    return sum(profit > 0 for profit in made) / len(made) if made else None


def profit_factor(record: Record) -> Number:
    lost = -sum(profit for profit in profits(record) if profit < 0)
    return sum(profit for profit in profits(record) if profit > 0) / lost if lost else None


def expectancy(record: Record) -> Number:
    made = profits(record)
    return round(Fraction(sum(made), len(made))) if made else None


def payoff(record: Record) -> Number:
    won = [profit for profit in profits(record) if profit > 0]
    lost = [-profit for profit in profits(record) if profit < 0]
    return float(Fraction(sum(won), len(won)) / Fraction(sum(lost), len(lost))) if won and lost else None


def sqn(record: Record) -> Number:
    made = profits(record)
    return mean(made) / (stdev(made) / math.sqrt(len(made))) if len(set(made)) > 1 else None


def kelly(record: Record) -> Number:
    won = sum(profit > 0 for profit in profits(record))
    lost = sum(profit < 0 for profit in profits(record))
    ratio = payoff(record)
    return None if ratio is None else won / (won + lost) - lost / (won + lost) / ratio


def turnover(record: Record) -> Number:
    if record.fills is None:
        return None
    total = 0.0
    for price, shares, cash in zip(record.fills.price, record.fills.shares, record.fills.cash, strict=True):
        equity = int(cash) + max(0, int(shares)) * int(price)
        if equity <= 0:
            return None
        total += abs(int(shares)) * int(price) / equity / 2
    return total


def exposure(record: Record) -> Number:
    """By sessions, one after the other."""
    if record.fills is None:
        return None
    first, last = int(record.time[0]), int(record.time[-1])
    times = [*record.fills.time.tolist(), *([last] if len(record.fills) % 2 else [])]
    stays = [(min(max(a, first), last), min(max(b, first), last)) for a, b in zip(times[::2], times[1::2], strict=True)]
    held = whole = 0
    for day in {trading_day(int(time)) for time in record.time}:
        bells = [dt.datetime.combine(day, clock, NEW_YORK) for clock in (dt.time(9, 30), dt.time(16))]
        opens, closes = (int(bell.timestamp()) * 10**9 for bell in bells)
        whole += max(0, min(last, closes) - max(first, opens))
        held += sum(max(0, min(b, closes) - max(a, opens)) for a, b in stays)
    return held / whole if whole else None


DEFINITIONS: dict[str, Callable[[Record], Number]] = {
    "start_equity": lambda record: record.cash,
    "end_equity": lambda record: int(record.value[-1]),
    "total_return": total_return,
    "annualised_return": annualised_return,
    "days": lambda record: len(day_ends(record)),
    "volatility": volatility,
    "sharpe": sharpe,
    "sortino": sortino,
    "probabilistic_sharpe": probabilistic_sharpe,
    "value_at_risk": value_at_risk,
    "conditional_value_at_risk": conditional_value_at_risk,
    "max_drawdown": max_drawdown,
    "max_drawdown_duration": max_drawdown_duration,
    "longest_drawdown": longest_drawdown,
    "calmar": calmar,
    "buy_and_hold_return": buy_and_hold_return,
    "alpha": alpha,
    "beta": beta,
    "exposure": exposure,
    "fills": lambda record: None if record.fills is None else len(record.fills),
    "fees": lambda record: None if record.fills is None else sum(record.fills.fee.tolist()),
    "turnover": turnover,
    "round_trips": lambda record: None if record.fills is None else len(profits(record)),
    "win_rate": win_rate,
    "best_round_trip": of_trip_returns(max),
    "worst_round_trip": of_trip_returns(min),
    "average_round_trip": of_trip_returns(mean),
    "profit_factor": profit_factor,
    "expectancy": expectancy,
    "payoff": payoff,
    "sqn": sqn,
    "kelly": kelly,
}
