"""The parser's place in the text: the next token, errors at a column, and the bounds of the tree that is built."""

from __future__ import annotations

from riskcontrol.language import words
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.limits import MOST_DEPTH, MOST_NODES
from riskcontrol.language.parts import Part, Type
from riskcontrol.language.tokens import Kind, Token, quoted, tokens
from riskcontrol.language.tree import Clock as ClockNode
from riskcontrol.language.tree import Duration as DurationNode
from riskcontrol.language.tree import Node, Number, Word, Written


class Reader:
    """Reads tokens one ahead.

    Args:
        text: The rule.
        field: What errors call it.
        outline: Whether the sides of comparisons and crosses are left as they are written.
    """

    def __init__(self, text: str, field: str, *, outline: bool = False) -> None:
        self.text = text
        self.field = field
        self._outline = outline
        self._end = 1
        self._tokens = tokens(text)
        self._here: Token | None = None

    @property
    def here(self) -> Token:
        """The next token, not taken yet."""
        if self._here is None:
            try:
                self._here = next(self._tokens)
            except LanguageError as error:
                raise error.in_field(self.field) from None
        return self._here

    def advance(self) -> Token:
        """Take the next token."""
        token = self.here
        if token.kind is not Kind.END:
            self._here = None
            self._end = token.end
        return token

    def at(self, symbol: str) -> bool:
        """Tell whether the next token is a symbol."""
        return self.here.text == symbol and self.here.kind is Kind.SYMBOL

    def close(self, opening: Token) -> None:
        """Take the closing parenthesis of an opening one."""
        token = self.here
        if not self.at(")"):
            found = "" if token.kind is Kind.END else f" before {quoted(token.text)}"
            raise self.error(f"missing ')'{found}", token.column, f"it closes the '(' at {opening.column}")
        self.advance()

    def error(self, what: str, column: int, expected: str) -> LanguageError:
        """Return an error at a column."""
        return LanguageError(what, text=self.text, column=column, expected=expected, field=self.field)

    def part(self, node: Node, kind: Type, start: int, *under: Part) -> Part:
        """Return a part of the tree with what is known of those under it.

        Raises:
            LanguageError: The tree has become too large.
        """
        size = 1 + sum(part.size for part in under)
        depth = 1 + max((part.depth for part in under), default=0)
        if size > MOST_NODES:
            raise self.error("the rule is too long", start, f"at most {MOST_NODES} words and operators are accepted")
        if depth > MOST_DEPTH:
            raise self.error(
                "too deeply nested", start, f"at most {MOST_DEPTH} levels, or terms of one sum, are accepted"
            )
        constant = (
            all(part.constant for part in under) if under else isinstance(node, (Number, ClockNode, DurationNode))
        )
        market = all(part.market for part in under) and not (isinstance(node, Word) and node.name in words.POSITION)
        return Part(node, kind, start, self._end, size, depth, constant, market)

    def again(self, part: Part, start: int) -> Part:
        """Return a part between parentheses, of which the closing one was taken: it begins at the opening one."""
        return Part(part.node, part.type, start, self._end, part.size, part.depth, part.constant, part.market)

    def side(self, part: Part) -> Node:
        """Return what the tree gets of a side of a comparison or cross."""
        return Written(self.text[part.start - 1 : part.end - 1]) if self._outline else part.node
