"""The rows of the leaders' tables: the ranking, and one's own place; pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from frontend.access import EVERYBODY, Viewer
from frontend.addresses import strategy_address, user_address
from frontend.formats import dollars, signed_percent
from frontend.positions import Prices, key, worth
from riskcontrol.leaders import Leaders, Ranking, probability

if TYPE_CHECKING:
    from database.reads import PositionRow, StrategyRow

RANKINGS = {"return": "By return", "evidence": "By probability of skill"}
"""What can be ranked by, as the address says it, and its words."""


def ranking(leaders: Leaders, by: str) -> Ranking:
    """Return one of the `RANKINGS`."""
    return leaders.by_evidence if by == "evidence" else leaders.by_gain


def rows(rank: Ranking, username: str, viewer: Viewer = EVERYBODY) -> list[dict[str, Any]]:
    """Return the rows of a ranking's table, the best first.

    Args:
        rank: The ranking.
        username: Whose rows are marked as one's own; may be empty.
        viewer: Before whom users that aren't seen have a pseudonym, and their strategies neither name nor address.
    """
    columns = (rank.username, rank.ticker, rank.name, rank.gain, rank.evidence, rank.trips, rank.value)
    found = []
    for place, row in enumerate(zip(*(column.tolist() for column in columns), strict=True), 1):
        user, ticker, name = (part.decode() for part in row[:3])
        gain, evidence, trips, value = row[3:]
        seen, called = viewer.sees(user), viewer.name_of(user)
        address = strategy_address(user, ticker, name) if seen else None
        whose = user_address(user) if seen else None
        row_id = f"{user} {key(ticker, name)}"
        found.append(
            {
                "id": row_id if seen else viewer.pseudonym(row_id),
                "address": address,
                "place": place,
                "user": called,
                "user_address": whose,
                "strategy": ticker,
                "strategy_address": address,
                "strategy_below": name if seen else "",
                "who": called,
                "who_address": whose,
                "who_below": f"{ticker} · {name}" if seen else ticker,
                "gain": 100 * gain,
                "probability": probability(evidence),
                "trips": trips,
                "value": dollars(value),
                "own": user == username,
            }
        )
    return found


def own(
    strategies: Sequence[StrategyRow],
    positions: Sequence[PositionRow | None],
    prices: Prices,
    leaders: Leaders,
    by: str,
) -> list[dict[str, Any]]:
    """Return one's own strategies among everyone's, the best return first; without those that wait for a trade.

    Args:
        strategies: A user's strategies.
        positions: Their positions in the same order; None before the first trade.
        prices: Last prices.
        leaders: Who leads, and how all returns are spread.
        by: Which ranking a place is of.
    """
    places = _places(ranking(leaders, by))
    found = []
    for strategy, position in zip(strategies, positions, strict=True):
        if position is None:
            continue
        gain = (worth(strategy, position, prices) - strategy.cash) / strategy.cash
        found.append(
            {
                "id": key(strategy.ticker, strategy.name),
                "address": strategy_address(strategy.username, strategy.ticker, strategy.name),
                "strategy": strategy.ticker,
                "strategy_address": strategy_address(strategy.username, strategy.ticker, strategy.name),
                "strategy_below": strategy.name,
                "gain": 100 * gain,
                "better": 100 * leaders.share_under(gain),
                "place": places.get((strategy.username, strategy.ticker, strategy.name)),
            }
        )
    return sorted(found, key=lambda row: (-row["gain"], row["id"]))


def best(found: Sequence[Mapping[str, Any]]) -> str:
    """Say where the best of one's own strategies stands."""
    if not found:
        return "None of your strategies has seen a trade yet."
    row = found[0]
    of = f" of {len(found):,}" if len(found) > 1 else ""
    place = f", place {row['place']} of the ranking" if row["place"] else ""
    return (
        f"Your best{of}, {row['strategy']} · {row['strategy_below']}, returned {signed_percent(row['gain'] / 100)}: "
        f"better than {row['better']:.1f}% of all{place}."
    )


def _places(rank: Ranking) -> dict[tuple[str, str, str], int]:
    names = zip(rank.username.tolist(), rank.ticker.tolist(), rank.name.tolist(), strict=True)
    return {(user.decode(), ticker.decode(), name.decode()): at for at, (user, ticker, name) in enumerate(names, 1)}
