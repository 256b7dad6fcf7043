"""CQL with ``{}`` where the keyspace belongs (`database.session.prepare` puts it in)."""

from __future__ import annotations

from collections.abc import Iterable


def insert(table: str, columns: Iterable[str]) -> str:
    """Return the query that writes a row of a table.

    >>> insert("users", ["username", "origin"])
    'INSERT INTO {}.users (username, origin) VALUES (?, ?)'
    """
    names = list(columns)
    return f"INSERT INTO {{}}.{table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608  ours


def select(table: str, columns: Iterable[str], where: str = "") -> str:
    """Return the query that reads rows of a table.

    >>> select("users", ["origin"], "username = ?")
    'SELECT origin FROM {}.users WHERE username = ?'
    """
    query = f"SELECT {', '.join(columns)} FROM {{}}.{table}"  # noqa: S608  all names are ours
    return f"{query} WHERE {where}" if where else query
