"""How large a rule may be, so that no text costs more than a moment."""

MOST_CHARACTERS = 2_000
"""Of a rule's text, as written and in canonical form."""

MOST_NODES = 200
"""Words, numbers, operators and functions of a rule, as written and in canonical form."""

MOST_DEPTH = 50
"""Levels of a tree, and of parentheses; a sum or a product of n terms has n levels."""

MOST_CLAUSES = 8
"""Alternatives of a rule."""

MOST_CONDITIONS = 6
"""Comparisons with a position's words in one alternative."""

MOST_PARAMETERS = 4
"""Numbers of a strategy's rules that are kept with the position, so that rules that differ in them are one."""
