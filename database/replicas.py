"""Which node holds a row: rows of a batch are put together by the node that keeps them first.

A batch sent to a node that holds none of its rows costs that node the work of handing them on. On a single node
there is nothing to choose, and nothing is computed.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cassandra.cluster import Session
from cassandra.metadata import Murmur3Token
from cassandra.query import PreparedStatement
from numpy.typing import NDArray

from database.batches import Column, wire_type


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one node: their indices, and a routing key that leads to it."""

    index: NDArray[np.intp]
    routing_key: bytes


def group_by_replica(session: Session, statement: PreparedStatement, columns: Sequence[Column]) -> list[Group] | None:
    """Return the rows grouped by the first of their replicas, or None on a single node.

    Args:
        session: Where to; knows the ring of tokens.
        statement: An INSERT or UPDATE whose markers hold the whole partition key.
        columns: The values of its markers.
    """
    tokens = session.cluster.metadata.token_map
    if tokens is None or len(session.cluster.metadata.all_hosts()) < 2 or not statement.routing_key_indexes:
        return None
    hosts: dict[Any, int] = {}
    owners = [hosts.setdefault(tokens.token_to_host_owner[token], len(hosts)) for token in tokens.ring]
    keys = routing_keys([columns[i] for i in statement.routing_key_indexes])
    return grouped(keys, [token.value for token in tokens.ring], owners)


def grouped(keys: Sequence[bytes], ring: Sequence[int], owners: Sequence[int]) -> list[Group]:
    """Group rows by the owner of the first token of the ring at or after theirs.

    Args:
        keys: Routing key of each row.
        ring: Tokens, ascending.
        owners: Number of the host that owns each of them.
    """
    hashes = np.fromiter(map(Murmur3Token.hash_fn, keys), np.int64, len(keys))
    owner = np.asarray(owners)[np.searchsorted(np.asarray(ring, np.int64), hashes) % len(ring)]
    order = np.argsort(owner, kind="stable")
    borders = np.flatnonzero(np.diff(owner[order])) + 1
    return [Group(part, keys[part[0]]) for part in np.split(order, borders) if len(part)]


def routing_keys(columns: Sequence[Column]) -> list[bytes]:
    """Return the routing key of each row: the bytes of its partition key as Cassandra hashes them.

    >>> routing_keys([np.array([b"ann"]), np.array([b"IBM"])])[0].hex()
    '0003616e6e00000349424d00'
    """
    parts = [_values(column) for column in columns]
    if len(parts) == 1:
        return parts[0]
    return [b"".join([struct.pack(">H", len(v)) + v + b"\0" for v in row]) for row in zip(*parts, strict=True)]


def _values(column: Column) -> list[bytes]:
    if column.dtype.kind == "S":
        values: list[bytes] = column.tolist()
        return values
    wire = wire_type(column)
    raw, width = column.astype(wire).tobytes(), wire.itemsize
    return [raw[i : i + width] for i in range(0, len(raw), width)]
