"""Asking Cassandra for a few rows, and doing things under a condition."""

from __future__ import annotations

from typing import Any

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Session
from cassandra.query import BoundStatement, tuple_factory

from database.session import answering, prepare


class Asking:
    """Asks by prepared queries; many threads may share one.

    Every method raises `ServerError` when the database doesn't answer.

    Args:
        session: A session with the keyspace of the tables.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._profile = session.execution_profile_clone_update(EXEC_PROFILE_DEFAULT, row_factory=tuple_factory)

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows that a query gives; none of one that writes."""
        statement = prepare(self._session, query)
        with answering():
            return list(self._session.execute(statement, values, execution_profile=self._profile))

    def _agreed(self, query: str, *values: Any) -> bool:
        """Do something under a condition, by a lightweight transaction; returns whether the condition held."""
        statement = BoundStatement(prepare(self._session, query)).bind(values)
        statement.is_idempotent = False  # done twice, the second finds what the first did
        with answering():
            return bool(self._session.execute(statement, execution_profile=self._profile).one()[0])

    def _settled(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        """Return a row as transactions see it: one that was cut short is brought to its end first."""
        statement = BoundStatement(prepare(self._session, query)).bind(values)
        statement.consistency_level = ConsistencyLevel.SERIAL
        with answering():
            row: tuple[Any, ...] | None = self._session.execute(statement, execution_profile=self._profile).one()
        return row
