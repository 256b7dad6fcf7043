"""What addresses and queries of the API have in them, checked and described once."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from riskcontrol.strategy import NAME_PATTERN, USERNAME_PATTERN
from riskcontrol.trades import TICKER_PATTERN

Username = Annotated[str, Path(pattern=f"^{USERNAME_PATTERN.pattern}$", description="Whose.", examples=["ann"])]
Ticker = Annotated[
    str,
    Path(pattern=f"^{TICKER_PATTERN.pattern}$", description="A ticker; a slash in it as such.", examples=["IBM"]),
]
Name = Annotated[
    str, Path(pattern=f"^{NAME_PATTERN.pattern}$", description="The strategy's name on its ticker.", examples=["dip"])
]
Limit = Annotated[int, Query(ge=1, le=1_000, description="Most rows of an answer.", examples=[100])]
_NEXT = "What the answer before had as `next`; without it, from the beginning."
PlaceCursor = Annotated[
    str,
    Query(
        pattern="^([0-9]{1,18}-[0-9]{1,18}|[1-4][0-9]{18}-[0-9]{1,18})?$",
        description=_NEXT,
        examples=["1381152600000000000-3"],
    ),
]
"""A place in time: nanoseconds and a number."""
NameCursor = Annotated[
    str, Query(pattern=f"^({TICKER_PATTERN.pattern}/{NAME_PATTERN.pattern})?$", description=_NEXT, examples=["IBM/dip"])
]
"""A strategy of a user: ticker and name."""
