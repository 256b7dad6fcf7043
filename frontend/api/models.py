"""What the API answers: its models, with units and an example each.

Money is US dollars as text, exact to the micro-dollar, times are ISO 8601 in UTC, shares are integers.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from riskcontrol.leaders import LEAST_TRIPS

Money = Annotated[
    str, Field(pattern=r"^-?[0-9]+\.[0-9]{2,6}$", description="US dollars, exact to the micro-dollar; as text.")
]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="ISO 8601, UTC, to the nanosecond.")]
Status = Literal["sent", "waiting", "running", "stopped", "halted"]
Why = Literal["buy", "sell", "stop_loss", "trailing_stop", "take_profit", "split"]
Decision = Literal["pull", "keep testing", "scale up"]

_AT = "2013-10-07T13:35:00.000000000Z"
_POSITION: dict[str, Any] = {
    "time": _AT, "cash": "56.65", "shares": 55, "reference": "181.70", "entry": "181.70", "entered": _AT, "fills": 1,
    "price": "181.90", "value": "10061.15", "profit": "61.15",
}  # fmt: skip
_DOCUMENT = {
    "name": "dip", "ticker": "IBM", "cash": "10000", "every": "1m", "session": "regular",
    "buy": "price <= reference - 0.1", "sell": "price >= reference + 0.2",
}  # fmt: skip
_STRATEGY: dict[str, Any] = {
    "username": "ann", "ticker": "IBM", "name": "dip", "status": "running", "opened": "2025-10-09T08:53:20.000000000Z",
    "stopped": None, "document": _DOCUMENT, "position": _POSITION, "address": "/api/v1/users/ann/strategies/IBM/dip",
}  # fmt: skip
_FILL = {
    "number": 1, "time": _AT, "reason": "buy", "shares": 55, "price": "181.70", "fee": "1.00", "cash": "5.50",
    "sequence": 11,
}  # fmt: skip
_BAR = {
    "time": "2013-10-07T13:30:00.000000000Z", "open": "181.85", "high": "181.90", "low": "181.70", "close": "181.88",
    "volume": 12_400, "notional": "2254120.00", "trades": 97,
}  # fmt: skip


def _example(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class Health(BaseModel):
    """Whether the server answers."""

    model_config = _example(ok=True, database=True)
    ok: bool = Field(description="Always true: it has answered.")
    database: bool = Field(description="Whether the database answers.")


class Ready(BaseModel):
    """Whether strategies can be read and opened."""

    model_config = _example(ready=True, database=True, tape=True, stream="running")
    ready: bool = Field(description="Whether database and tape answer. Else the status is 503.")
    database: bool = Field(description="Whether Cassandra answers.")
    tape: bool = Field(description="Whether Kafka answers; asked every ten seconds.")
    stream: Literal["running", "idle", "stopped", "never"] = Field(
        description="What the job does: `idle` gets no trades; while it is `stopped`, what is sent waits on the tape."
    )


class Me(BaseModel):
    """Who asks."""

    model_config = _example(username="ann", admin=False, scope="write")
    username: str = Field(description="Empty where there is no sign-in.")
    admin: bool = Field(description="Whether strategies of all users are seen.")
    scope: Literal["read", "write"] = Field(description="Whether strategies can be opened and stopped.")


class Position(BaseModel):
    """What a strategy holds now. It has one from the first trade that it sees."""

    model_config = _example(**_POSITION)
    time: Time = Field(description="When it changed last: time of the tape.")
    cash: Money = Field(description="Dollars.")
    shares: int = Field(description="Held now.")
    reference: Money = Field(description="Price of the last action, at first of the first trade seen; dollars.")
    entry: Money | None = Field(description="Price at which the shares were bought, dollars; null without shares.")
    entered: Time | None = Field(description="When they were bought; null without shares.")
    fills: int = Field(description="How many there were so far.")
    price: Money | None = Field(description="The ticker's last price, dollars; null where none is known.")
    value: Money = Field(description="Cash and shares at the last price, dollars.")
    profit: Money = Field(description="Value less what it started with, dollars.")


class NamedPosition(Position):
    """A position and whose it is."""

    model_config = _example(ticker="IBM", name="dip", status="running", **_POSITION)
    ticker: str
    name: str = Field(description="Of the strategy.")
    status: Status


class Strategy(BaseModel):
    """A strategy as it was opened, and as it stands."""

    model_config = _example(**_STRATEGY)
    username: str
    ticker: str
    name: str
    status: Status = Field(
        description="`sent`: on the tape, not yet confirmed by the stream. `waiting`: for its first trade."
    )
    opened: Time | None = Field(description="When its opening was asked for, wall clock; null while it is `sent`.")
    stopped: Time | None = Field(description="When its stop was asked for; null while it runs.")
    document: dict[str, Any] = Field(description="Its file: what can be posted to open another one like it.")
    position: Position | None = Field(description="Null before its first trade.")
    address: str = Field(description="Where it is.")


class Strategies(BaseModel):
    """Strategies of a user, by ticker and name."""

    model_config = _example(strategies=[_STRATEGY], next=None)
    strategies: list[Strategy]
    next: str | None = Field(description="What to ask for as `cursor` to get the next ones; null after the last.")


class Positions(BaseModel):
    """Positions of a user, by ticker and name."""

    model_config = _example(positions=[{"ticker": "IBM", "name": "dip", "status": "running", **_POSITION}], next=None)
    positions: list[NamedPosition]
    next: str | None = Field(description="What to ask for as `cursor` to get the next ones; null after the last.")


class Fill(BaseModel):
    """A paper execution."""

    model_config = _example(**_FILL)
    number: int = Field(description="1, 2, 3 ... without a gap.")
    time: Time = Field(description="Of the trade that it filled on: time of the tape.")
    reason: Why
    shares: int = Field(description="Bought: positive; sold: negative.")
    price: Money = Field(description="With slippage, without the fee; dollars.")
    fee: Money = Field(description="Dollars.")
    cash: Money = Field(description="After the fill, dollars.")
    sequence: int = Field(description="Sequence number of the trade that it filled on; 0 of a split.")


class Fills(BaseModel):
    """Fills of a strategy by time."""

    model_config = _example(fills=[_FILL], next="1381152900000000000-1", more=False)
    fills: list[Fill]
    next: str | None = Field(
        description="What to ask for as `cursor` to go on after these, also once there are none: to follow a strategy, "
        "ask again with it. Null before the first fill."
    )
    more: bool = Field(description="Whether there are more already.")


class EquityPoint(BaseModel):
    """What a strategy was worth at a moment."""

    time: Time
    price: Money = Field(description="Of the ticker, dollars.")
    cash: Money = Field(description="Dollars.")
    shares: int
    value: Money = Field(description="Cash and shares at that price, dollars.")
    profit: Money = Field(description="Value less what it started with, dollars.")


class EquityCurve(BaseModel):
    """What a strategy was worth over time: a point at each fill and at the end of each minute of its ticker."""

    model_config = _example(
        points=[{"time": _AT, "price": "181.70", "cash": "5.50", "shares": 55, "value": "9999.00", "profit": "-1.00"}],
        reduced=False,
        since=None,
    )
    points: list[EquityPoint]
    reduced: bool = Field(description="Whether points were left out; lowest and highest of each stretch are kept.")
    since: Time | None = Field(description="From when on it counts, where older history is left out; else null.")


class StatisticValue(BaseModel):
    """A statistic; docs/statistics.md defines each."""

    name: str
    title: str
    unit: Literal["dollars", "fraction", "number", "count", "seconds", "trading days"] = Field(
        description="0.1 of a `fraction` is 10 %."
    )
    value: float | int | Money | None = Field(
        description="Dollars as text, else a number; null where no honest one exists."
    )


class Statistics(BaseModel):
    """Every statistic of a strategy."""

    model_config = _example(
        statistics=[{"name": "total_return", "title": "Return", "unit": "fraction", "value": 0.0061}], since=None
    )
    statistics: list[StatisticValue] = Field(description="None before its first trade.")
    since: Time | None = Field(description="From when on they count, where older history is left out; else null.")


class Reason(BaseModel):
    """What one rule of the verdict says."""

    points_to: Decision
    words: str


class RuleReason(Reason):
    """What one rule of the verdict says, and the number behind it."""

    rule: str
    value: float | int | Money | None = Field(
        description="What the rule compares (docs/verdict.md): a count, a ratio, a fraction (0.1 is 10 %); where it is "
        "about money, dollars as text. Null where there is none yet."
    )


_WHY = {"points_to": "keep testing", "words": "1 round trip: 29 more are needed to judge by."}


class Verdict(BaseModel):
    """What to do with a strategy, and why."""

    model_config = _example(
        decision="keep testing", reasons=[{**_WHY, "rule": "enough round trips", "value": 1}], since=None
    )
    decision: Decision | None = Field(description="Null before its first trade.")
    reasons: list[RuleReason] = Field(description="Those that decided first.")
    since: Time | None = Field(description="From when on it counts, where older history is left out; else null.")


class Bar(BaseModel):
    """A bar of trades. One whose trades set no price has volume and no prices."""

    time: Time = Field(description="Its start.")
    open: Money | None = Field(description="Dollars.")
    high: Money | None = Field(description="Dollars.")
    low: Money | None = Field(description="Dollars.")
    close: Money | None = Field(description="Dollars.")
    volume: int = Field(description="Shares.")
    notional: Money = Field(description="Sum of price × size, dollars; the VWAP is this by volume.")
    trades: int


class Bars(BaseModel):
    """Closed bars of a ticker, oldest first."""

    model_config = _example(ticker="IBM", interval="1m", bars=[_BAR], next=None)
    ticker: str
    interval: str
    bars: list[Bar]
    next: str | None = Field(description="What to ask for as `cursor` to get the next ones; null after the last.")


class Leader(BaseModel):
    """A strategy in the ranking. Of others, the user has a pseudonym and the strategy no name."""

    place: int
    username: str
    ticker: str
    name: str | None
    total_return: float = Field(description="Since it was opened, marked to market; 0.1 is 10 %.")
    probability: float | None = Field(
        description="Probability of skill: that the true mean return of its round trips, what is held as one more, is "
        f"above 0; null under {LEAST_TRIPS} round trips."
    )
    round_trips: int
    value: Money = Field(description="Cash and shares, dollars.")


class Quantile(BaseModel):
    """The return that a share of all strategies stays under."""

    share: float = Field(description="0.5 is the median.")
    total_return: float = Field(description="0.1 is 10 %.")


class Leaders(BaseModel):
    """Who led at the end of the newest minute, and how all returns are spread."""

    model_config = _example(
        time="2013-10-07T13:59:00.000000000Z",
        strategies=100_000,
        ranking=[
            {
                "place": 1, "username": "trader-1daf8f0a", "ticker": "IBM", "name": None, "total_return": 0.021,
                "probability": 0.97, "round_trips": 14, "value": "10210.00",
            }
        ],
        quantiles=[{"share": 0.5, "total_return": 0.0004}],
    )  # fmt: skip
    time: Time | None = Field(description="The minute's start; null before the first.")
    strategies: int = Field(description="How many have seen a trade.")
    ranking: list[Leader]
    quantiles: list[Quantile]


class TrialPoint(BaseModel):
    """What a strategy would have been worth at a moment."""

    time: Time
    price: Money = Field(description="Of the ticker, dollars.")
    value: Money = Field(description="Of the strategy, dollars.")
    held: Money = Field(description="Of buying and holding, dollars.")


class TrialFill(BaseModel):
    """A fill on stored bars."""

    time: Time
    price: Money = Field(description="Dollars.")
    shares: int = Field(description="Bought: positive; sold: negative.")
    reason: Why


class Backtest(BaseModel):
    """What a strategy would have done on the stored minute bars of its ticker's last ten days."""

    model_config = _example(
        bars=780,
        first="2013-10-07T13:30:00.000000000Z",
        last="2013-10-08T20:00:00.000000000Z",
        decision="keep testing",
        reasons=[_WHY],
        statistics=[{"name": "total_return", "title": "Return", "unit": "fraction", "value": 0.0061}],
        points=[{"time": _AT, "price": "181.70", "value": "9999.00", "held": "10000.00"}],
        fills=[{"time": _AT, "price": "181.70", "shares": 55, "reason": "buy"}],
    )
    bars: int = Field(description="How many of the strategy's length there were.")
    first: Time = Field(description="When the first one began.")
    last: Time = Field(description="When the last one ended.")
    decision: Decision
    reasons: list[Reason]
    statistics: list[StatisticValue]
    points: list[TrialPoint] = Field(description="At most 2,000; lowest and highest of each stretch are kept.")
    fills: list[TrialFill] = Field(description="The newest 1,000, oldest first.")
