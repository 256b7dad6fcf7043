"""A rule as alternatives: each what must hold of the market, and comparisons of the position with it."""

from __future__ import annotations

from riskcontrol.language.canonical import canonical, joined
from riskcontrol.language.contents import is_market
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.limits import MOST_CLAUSES, MOST_CONDITIONS
from riskcontrol.language.text import order, text
from riskcontrol.language.tree import And, Clause, Comparison, Node, Or

_Draft = tuple[frozenset[Node], frozenset[Comparison]]
"""Market conditions and position's comparisons of an alternative."""

_MOST_DRAFTS = 64
"""Alternatives on the way: joining them may still leave fewer."""

_MOST_PRODUCTS = 512
"""Alternatives of two parts multiplied, before those that say more than another are dropped."""


def clauses(node: Node) -> tuple[Clause, ...]:
    """Return a rule's alternatives, sorted by text.

    Raises:
        LanguageError: There are too many, or one has too many comparisons.
    """
    by_conditions: dict[frozenset[Comparison], list[frozenset[Node]]] = {}
    for market, conditions in _drafts(canonical(node)):
        by_conditions.setdefault(conditions, []).append(market)
    result = []
    for conditions, markets in by_conditions.items():
        alternatives = tuple(joined(And, tuple(market)) for market in markets if market)
        market_part = joined(Or, alternatives) if len(alternatives) == len(markets) else None
        result.append(Clause(market_part, tuple(sorted(conditions, key=lambda c: order(text(c))))))
    _check(result)
    return tuple(sorted(result, key=lambda clause: order(clause_text(clause))))


def clause_text(clause: Clause) -> str:
    """Return a clause as the text of one condition."""
    parts = (*((clause.market,) if clause.market else ()), *clause.conditions)
    return text(And(parts)) if len(parts) > 1 else text(parts[0])


def _drafts(node: Node) -> list[_Draft]:
    if is_market(node):
        return [(frozenset([node]), frozenset())]
    match node:
        case Or(parts):
            market = [part for part in parts if is_market(part)]
            found = [draft for part in parts if not is_market(part) for draft in _drafts(part)]
            return _absorbed(found + (_drafts(joined(Or, tuple(market))) if market else []))
        case And(parts):
            product: list[_Draft] = [(frozenset(), frozenset())]
            for part in parts:
                more = _drafts(part)
                if len(product) * len(more) > _MOST_PRODUCTS:
                    raise _too_many(f"over {_MOST_DRAFTS}")
                product = _absorbed([(a | c, b | d) for a, b in product for c, d in more])
            return product
        case Comparison():
            return [(frozenset(), frozenset([node]))]
        case _:
            raise LanguageError("the rule is no condition", expected="compare two numbers")


def _absorbed(drafts: list[_Draft]) -> list[_Draft]:
    """Return alternatives without those that ask for everything that another asks for, and more."""
    unique = list(dict.fromkeys(drafts))
    kept = [d for d in unique if not any(o != d and o[0] <= d[0] and o[1] <= d[1] for o in unique)]
    if len(kept) > _MOST_DRAFTS:
        raise _too_many(f"over {_MOST_DRAFTS}")
    return kept


def _check(result: list[Clause]) -> None:
    if len(result) > MOST_CLAUSES:
        raise _too_many(str(len(result)))
    for clause in result:
        if len(clause.conditions) > MOST_CONDITIONS:
            raise LanguageError(
                f"one alternative compares the position {len(clause.conditions)} times",
                expected=f"at most {MOST_CONDITIONS} comparisons with reference, entry, peak or held can be joined",
            )


def _too_many(count: str) -> LanguageError:
    return LanguageError(
        f"the rule has {count} alternatives when its parentheses are multiplied out",
        expected=f"at most {MOST_CLAUSES} are accepted: use fewer 'or' inside 'and'",
    )
