"""What is known of a shard's state beside its tables, and how that is kept with a checksum."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any

from riskcontrol.book import COUNTED, PAGE, TABLES

SCHEMA = 7
"""Version of the files' layout."""

SUMMED = tuple(name for name in TABLES if name != "index")
"""The tables that a state is: the hash table follows from them."""

_CHECKED = 6
"""First layout with checksums."""


@dataclass(frozen=True, slots=True)
class Meta:
    """What `meta.json` says of a shard.

    Attributes:
        tape: Id of the topic that the state is a fold of.
        shard: Number of the shard.
        next: First offset of the tape that is not yet in the state.
        counts: `Book.counts`.
        last_time: Event time of the newest trade, nanoseconds UTC; 0 before any.
        schema: `SCHEMA` of the program that wrote it.
        sums: `rows_sum` of each of `SUMMED`.
    """

    tape: str
    shard: int
    next: int = 0
    counts: tuple[int, ...] = (0,) * len(COUNTED)
    last_time: int = 0
    schema: int = SCHEMA
    sums: tuple[int, ...] = (0,) * len(SUMMED)

    def used(self, name: str) -> int:
        """Return how many rows of one of `SUMMED` are in use."""
        unit = TABLES[name][2]
        if unit == "strategies":
            return self.counts[COUNTED.index("pages")] * PAGE
        return self.counts[COUNTED.index(unit)]


def meta_from(fields: dict[str, Any]) -> Meta:
    """Return the meta that `dataclasses.asdict` took apart.

    Raises:
        TypeError, ValueError, KeyError: It isn't one.
    """
    lists = {name: tuple(int(number) for number in fields[name]) for name in ("counts", "sums")}
    numbers = {name: int(fields[name]) for name in ("shard", "next", "last_time", "schema")}
    meta = Meta(**{**fields, **lists, **numbers})
    if (len(meta.counts), len(meta.sums)) != (len(COUNTED), len(SUMMED)) or min(meta.counts + meta.sums) < 0:
        raise ValueError("counts or sums are none")
    return meta


def encode_checked(fields: dict[str, Any]) -> bytes:
    """Return an object as JSON with a checksum in it.

    >>> decode_checked(encode_checked({"schema": 6}))
    {'schema': 6}
    """
    return json.dumps({**fields, "crc": zlib.crc32(json.dumps(fields).encode())}).encode()


def decode_checked(data: bytes) -> dict[str, Any]:
    """Return the object that `encode_checked` wrote, or one of an older layout, which had no checksum.

    Raises:
        ValueError, TypeError, KeyError: It isn't one.
    """
    try:
        fields = json.loads(data)
        if fields["schema"] < _CHECKED and "crc" not in fields:
            return dict(fields)
        check = fields.pop("crc")
    except RecursionError as error:
        raise ValueError(str(error)) from error
    if zlib.crc32(json.dumps(fields).encode()) != check:
        raise ValueError("its checksum is another")
    return dict(fields)
