"""A strategy's shape: its rules without the numbers that differ from user to user.

Strategies of one shape on one ticker are kept together, and what their rules ask of the market is computed once for
all of them. A shape travels as its canonical JSON text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

from riskcontrol.errors import StrategyError
from riskcontrol.indicators.registry import state_size
from riskcontrol.language.canonical import canonical
from riskcontrol.language.clauses import clauses
from riskcontrol.language.contents import indicators_of, walk, words_of
from riskcontrol.language.parametrise import parametrise, substitute
from riskcontrol.language.parser import parse
from riskcontrol.language.text import text
from riskcontrol.language.tree import MARKET_WORDS, Clause, Cross, Node, Parameter
from riskcontrol.terms import Session

PARAMETERS = 4
"""Most numbers that are kept with the position; further ones stay in the shape."""

INTERVALS = (1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 86_400)
"""Lengths of a bar that a strategy may ask for, seconds."""

MOST_BYTES = 6_000
"""Longest text of a shape accepted from outside."""

MOST_WORDS = 6_000
"""Most float64 words of state that a shape's indicators may keep for a ticker."""

_BAR_WORDS = frozenset(MARKET_WORDS) - {"price", "time"}


@dataclass(frozen=True, slots=True)
class Shape:
    """Rules without their numbers.

    Args:
        buy: Alternatives on which it buys.
        sell: Alternatives on which it sells; none: only its stops get it out.
        every: Seconds of a bar, 0 where no rule looks at bars.
        session: Which trades drive it.
        parameters: How many numbers belong to it.
    """

    buy: tuple[Clause, ...]
    sell: tuple[Clause, ...]
    every: int
    session: Session
    parameters: int


def shape_text(buy: Node, sell: Node | None, every: int, session: Session) -> tuple[str, tuple[float, ...]]:
    """Return the shape of two rules as canonical JSON, and the numbers taken out of them.

    Args:
        buy: Parsed rule.
        sell: The same, or None.
        every: Seconds of a bar, one of `INTERVALS`.
        session: Which trades drive it.

    >>> shape_text(parse("price <= reference - 0.1"), parse("price >= reference + 0.2"), 60, Session.REGULAR)
    ('{"buy":"price <= reference - $0","sell":"price >= reference + $1"}', (0.1, 0.2))
    """
    buy, sell = canonical(buy), None if sell is None else canonical(sell)
    bare_buy, bare_sell, values = parametrise(buy, sell, PARAMETERS)
    fields: dict[str, object] = {"buy": text(bare_buy)}
    if bare_sell is not None:
        fields["sell"] = text(bare_sell)
    seconds = every if any(looks_at_bars(rule) for rule in (buy, sell) if rule is not None) else 0
    if seconds:
        fields["every"] = seconds
    if session != Session.REGULAR:
        fields["session"] = int(session)
    written = json.dumps(fields, separators=(",", ":"))
    if written not in WRITTEN and len(written) <= MOST_BYTES and seconds in (0, *INTERVALS):
        if len(WRITTEN) == _MOST_WRITTEN:
            WRITTEN.clear()
        WRITTEN[written] = canonical(bare_buy), None if bare_sell is None else canonical(bare_sell), seconds, session
    return written, values


def looks_at_bars(rule: Node) -> bool:
    """Return whether a rule has anything of closed bars in it."""
    return bool(indicators_of(rule) or _BAR_WORDS.intersection(words_of(rule))) or any(
        isinstance(node, Cross) for node in walk(rule)
    )


_MOST_WRITTEN = 10_000
WRITTEN: dict[str, tuple[Node, Node | None, int, Session]] = {}
"""What `shape_text` wrote lately: reading it again would parse it again, which is half the time that a sweep's variants
take."""


@lru_cache(maxsize=10_000)
def read_shape(shape: str) -> Shape:
    """Return the shape that a text says.

    Raises:
        StrategyError: It isn't the canonical text of a shape; `.field` says which part is wrong.

    >>> read_shape('{"buy":"price <= reference - $0"}').parameters
    1
    """
    buy, sell, every, session = _rules(shape)
    used = {n.index for rule in (buy, sell) if rule is not None for n in walk(rule) if isinstance(n, Parameter)}
    if used != set(range(len(used))) or len(used) > PARAMETERS:
        raise StrategyError(f"parameters are numbered from $0 on without a gap, up to ${PARAMETERS - 1}", field="buy")
    indicators = {node for rule in (buy, sell) if rule is not None for node in indicators_of(rule)}
    words = sum(state_size(node.name, [float(value) for value in node.parameters]) for node in indicators)
    if words > MOST_WORDS:
        raise StrategyError(
            f"its indicators look back {words:,} bars in all; at most about {MOST_WORDS:,} are accepted", field="buy"
        )
    return Shape(clauses(buy), () if sell is None else clauses(sell), every, session, len(used))


def rules_of(shape: str, values: tuple[float, ...]) -> tuple[Node, Node | None]:
    """Return both rules of a shape with the numbers put back.

    >>> from riskcontrol.language.text import text
    >>> text(rules_of('{"buy":"price <= reference - $0"}', (0.1,))[0])
    'price <= reference - 0.1'
    """
    buy, sell, _, _ = _rules(shape)
    return substitute(buy, values), None if sell is None else substitute(sell, values)


def interval_of(shape: str) -> tuple[int, Session]:
    """Return the seconds of a bar (0: it looks at none) and the session of a shape."""
    _, _, every, session = _rules(shape)
    return every, session


def _rules(shape: str) -> tuple[Node, Node | None, int, Session]:
    return WRITTEN.get(shape) or _parsed(shape)


def _parsed(shape: str) -> tuple[Node, Node | None, int, Session]:
    if len(shape) > MOST_BYTES:
        raise StrategyError(f"{len(shape):,} characters; at most {MOST_BYTES:,} are accepted", field="shape")
    try:
        fields = json.loads(shape)
    except (ValueError, RecursionError) as error:
        raise StrategyError(f"no JSON ({error})", field="shape") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("buy"), str):
        raise StrategyError("an object with a rule is expected", field="buy")
    if unknown := set(fields) - {"buy", "sell", "every", "session"}:
        raise StrategyError("unknown", field=str(min(unknown))[:40])
    sell, every, session = fields.get("sell"), fields.get("every", 0), fields.get("session", 0)
    if "sell" in fields and not isinstance(sell, str):
        raise StrategyError("a rule is expected", field="sell")
    if every not in (0, *INTERVALS) or isinstance(every, bool):
        raise StrategyError(f"{every!r} seconds; known are {', '.join(map(str, INTERVALS))}", field="every")
    if session not in tuple(Session) or isinstance(session, bool):
        raise StrategyError(f"{session!r} is unknown", field="session")
    rules = [canonical(parse(rule, parameters=True)) for rule in (fields["buy"], sell) if rule is not None]
    if any(looks_at_bars(rule) for rule in rules) != bool(every):
        raise StrategyError("is given where, and only where, a rule looks at bars", field="every")
    return rules[0], rules[1] if sell is not None else None, every, Session(session)
