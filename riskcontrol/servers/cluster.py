"""The cluster form: of everything so many nodes that one may end, all on this machine."""

from __future__ import annotations

from functools import partial

from riskcontrol.servers.cassandra import member
from riskcontrol.servers.kafka import broker
from riskcontrol.servers.layout import NODES, Layout
from riskcontrol.servers.spark import master, worker
from riskcontrol.servers.starting import Maker

_NUMBERS = range(1, NODES + 1)

CHAINS = (
    # A broker answers when most of them are there.
    *([f"kafka-{number}"] for number in _NUMBERS),
    # Two that join at the same time might not notice each other.
    [f"cassandra-{number}" for number in _NUMBERS],
    ["spark-master", *(f"spark-{number}" for number in _NUMBERS)],
)
"""The nodes: those of a chain are started one after the other."""


def makers(layout: Layout) -> dict[str, Maker]:
    """Return what prepares each node, by its name."""
    made: dict[str, Maker] = {"spark-master": partial(master, layout=layout)}
    for number in _NUMBERS:
        made[f"kafka-{number}"] = partial(broker, number=number, layout=layout)
        made[f"cassandra-{number}"] = partial(member, number=number, layout=layout)
        made[f"spark-{number}"] = partial(worker, number=number, layout=layout)
    return made


def kind(name: str) -> str:
    """Return of which kind a server is.

    >>> kind("cassandra-2"), kind("s3")
    ('cassandra', 's3')
    """
    return name.partition("-")[0]
