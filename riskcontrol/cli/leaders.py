"""`riskcontrol leaders`: who leads."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import TYPE_CHECKING, Any

import click

from riskcontrol.cli.options import DATABASE, with_settings
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    from riskcontrol.leaders import Leaders, Ranking


class Moment(click.ParamType):
    """A time of the tape: YYYY-MM-DD HH:MM, New York's unless it has an offset."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return it in nanoseconds UTC."""
        from riskcontrol.newyork import NEW_YORK
        from riskcontrol.trades import NS_PER_SECOND

        try:
            moment = dt.datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time; write for instance '2013-10-07 15:30' (New York)", param, ctx)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=NEW_YORK)
        return int(moment.timestamp()) * NS_PER_SECOND


@click.command(
    name="leaders",
    epilog="Examples: riskcontrol leaders;  riskcontrol leaders --by evidence --limit 100 --at '2013-10-07 15:30'",
)
@click.option(
    "--by",
    type=click.Choice(("return", "evidence")),
    default="return",
    show_default=True,
    help="Rank by return, or by the probability of skill that the round trips' returns tell of.",
)
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many to list.")
@click.option(
    "--at", type=Moment(), default=None, help="A minute of the tape, New York's time [default: the newest that ended]."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_settings(*DATABASE)
def command(by: str, limit: int, at: int | None, as_json: bool, settings: Settings) -> None:
    """List the strategies that lead at the end of a minute, and how all returns are spread.

    Returns are since a strategy was opened, marked to market. Ranked are those with a round trip; by evidence, those
    with ten or more, by the probability that the true mean return of their round trips is above zero. Needs the
    database: riskcontrol up, or --cassandra.
    """
    from database.reads import Reader
    from database.session import connect
    from riskcontrol.leaders import QUANTILES
    from riskcontrol.servers import require

    leaders = Reader(connect(require(settings, "cassandra"))).leaders(until=at)
    if leaders is None:
        raise click.ClickException(
            "no minute of that day has ended yet"
            if at is None
            else "nothing is known of that minute, nor of one before it that day"
        )
    ranking = leaders.by_gain if by == "return" else leaders.by_evidence
    rows = [_row(place, ranking, place - 1) for place in range(1, min(limit, len(ranking)) + 1)]
    spread = {f"{share:.0%}": leaders.quantile(share) for share in QUANTILES}
    if as_json:
        click.echo(json.dumps({"minute": _minute(leaders), "strategies": leaders.strategies, "by": by,
                               "leaders": rows, "spread": spread}))  # fmt: skip
        return
    _print(leaders, by, rows, spread)


def _row(place: int, ranking: Ranking, at: int) -> dict[str, Any]:
    from riskcontrol.leaders import probability
    from riskcontrol.money import to_dollars

    return {
        "place": place,
        "user": ranking.username[at].decode(),
        "strategy": ranking.name[at].decode(),
        "ticker": ranking.ticker[at].decode(),
        "return": float(ranking.gain[at]),
        "probability_of_skill": probability(float(ranking.evidence[at])),
        "round_trips": int(ranking.trips[at]),
        "value": float(to_dollars(int(ranking.value[at]))),
    }


def _minute(leaders: Leaders) -> str:
    from riskcontrol.newyork import NEW_YORK
    from riskcontrol.trades import NS_PER_SECOND

    return dt.datetime.fromtimestamp(leaders.time // NS_PER_SECOND, NEW_YORK).isoformat(timespec="minutes")


def _print(leaders: Leaders, by: str, rows: list[dict[str, Any]], spread: dict[str, float]) -> None:
    from riskcontrol.aligned import aligned
    from riskcontrol.leaders import LEAST_TRIPS

    minute = _minute(leaders).replace("T", " ")[:16]
    click.echo(f"Minute {minute} New York, {leaders.strategies:,} strategies, by {by}:")
    if rows:
        header = ("", "user", "strategy", "ticker", "return", "skill", "round trips", "value $")
        cells = [
            (
                str(row["place"]), str(row["user"]), str(row["strategy"]), str(row["ticker"]), f"{row['return']:+.2%}",
                _chance(row["probability_of_skill"]),
                str(row["round_trips"]), f"{row['value']:,.2f}",
            )
            for row in rows
        ]  # fmt: skip
        for line in aligned([header, *cells], left=(1, 2, 3)):
            click.echo(line)
    else:
        click.echo("Nobody has a round trip yet." if by == "return" else f"Nobody has {LEAST_TRIPS} round trips yet.")
    shares = "  ".join(f"{share} {value:+.2%}" for share, value in spread.items() if not math.isnan(value))
    click.echo(f"Returns of all, by share that is under: {shares}")


def _chance(probability: float | None) -> str:
    """Write a probability; never as a certainty.

    >>> _chance(0.98765), _chance(0.99996), _chance(0.0001), _chance(None)
    ('0.988', '>0.999', '<0.001', '-')
    """
    if probability is None:
        return "-"
    if probability >= 0.9995:
        return ">0.999"
    return f"{probability:.3f}" if probability >= 0.0005 else "<0.001"
