from __future__ import annotations

import bisect
import datetime as dt
from typing import Any

import numpy as np
import pytest
from cassandra.cluster import Session
from cassandra.metadata import Murmur3Token
from hypothesis import given
from hypothesis import strategies as st

from database.replicas import group_by_replica, grouped, routing_keys
from database.session import prepare

RING = [-(2**62), -(2**40), 0, 2**61, 2**62]
OWNERS = [0, 1, 2, 0, 1]


def owner(key: bytes) -> int:
    return OWNERS[bisect.bisect_left(RING, Murmur3Token.from_key(key).value) % len(RING)]


@given(st.lists(st.binary(min_size=1, max_size=12), max_size=60))
def test_every_row_is_in_the_group_of_the_node_that_owns_its_token(keys: list[bytes]) -> None:
    groups = grouped(keys, RING, OWNERS)
    assert sorted(i for group in groups for i in group.index.tolist()) == list(range(len(keys)))
    for group in groups:
        assert {owner(keys[i]) for i in group.index} == {owner(group.routing_key)}
    assert len(groups) == len({owner(key) for key in keys})


def test_routing_keys_of_one_column_are_its_bytes() -> None:
    assert routing_keys([np.array([b"ann", b"bo"], "S8")]) == [b"ann", b"bo"]


@pytest.mark.servers
def test_routing_keys_are_the_driver_s(session: Session) -> None:
    statement = prepare(session, "INSERT INTO {}.bars (time, ticker, day, open) VALUES (?, ?, ?, ?)")
    columns: list[Any] = [np.array([1]), np.array([b"IBM"]), np.array([2**31 + 3], np.uint32), np.array([4])]
    indexes = statement.routing_key_indexes
    assert routing_keys([columns[i] for i in indexes]) == [
        statement.bind((1, "IBM", dt.date(1970, 1, 4), 4)).routing_key
    ]


@pytest.mark.servers
def test_on_a_single_node_nothing_is_grouped(session: Session) -> None:
    statement = prepare(session, "INSERT INTO {}.users (username) VALUES (?)")
    assert group_by_replica(session, statement, [np.array([b"ann"])]) is None
