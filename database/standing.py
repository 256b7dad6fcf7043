"""What the tables know of every strategy, for a stream that has lost its state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from cassandra.cluster import EXEC_PROFILE_DEFAULT, Session
from cassandra.query import tuple_factory

from database.queries import select
from database.reads import STRATEGY_COLUMNS, PositionRow, StrategyRow, read_strategy
from database.session import answering, prepare

_STRATEGIES = select("strategies", [*STRATEGY_COLUMNS, "WRITETIME(cash)"])
_POSITIONS = select("positions", [*(field.name for field in fields(PositionRow)), "WRITETIME(cash)"])

Key = tuple[str, str, str]
"""Username, name and ticker."""


@dataclass(slots=True)
class Standing:
    """The strategies of some shard, and how they stand.

    Attributes:
        strategies: Whatever was opened, with the tape's offset after the batch that opened it.
        positions: Those that have seen a trade, with the tape's offset after the batch that last changed them.
    """

    strategies: dict[Key, tuple[StrategyRow, int]]
    positions: dict[Key, tuple[PositionRow, int]]


def standing(session: Session, shard_of: Callable[[str], int], shards: Sequence[int]) -> dict[int, Standing]:
    """Read all strategies and positions of some shards: both tables from end to end.

    Args:
        session: A session with the keyspace of the tables.
        shard_of: Returns the shard of a ticker.
        shards: The shards wanted.

    Raises:
        ServerError: The database doesn't answer, or a row is damaged.
    """
    found = {shard: Standing({}, {}) for shard in shards}
    for *columns, version in _rows(session, _STRATEGIES):
        row = read_strategy(tuple(columns))
        if row is not None and (of := found.get(shard_of(row.ticker))) is not None:
            of.strategies[row.username, row.name, row.ticker] = row, version
    for *columns, version in _rows(session, _POSITIONS):
        position = PositionRow(*columns)
        if (of := found.get(shard_of(position.ticker))) is not None:
            of.positions[position.username, position.name, position.ticker] = position, version
    return found


def _rows(session: Session, query: str) -> Iterator[tuple[Any, ...]]:
    profile = session.execution_profile_clone_update(EXEC_PROFILE_DEFAULT, row_factory=tuple_factory)
    statement = prepare(session, query)
    with answering():
        yield from session.execute(statement, execution_profile=profile)
