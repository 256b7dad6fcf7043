"""The error of the language: it knows the column and what was expected there."""

from __future__ import annotations

from riskcontrol.errors import StrategyError

SHOWN = 72
"""Characters of a rule that are shown around the column."""


class LanguageError(StrategyError):
    """A rule can't be understood or accepted.

    Args:
        what: What is wrong, without the column.
        text: The rule.
        column: One-based column in it; 0 where there is none to point at.
        expected: What would be right there.
        field: Which rule: "buy", "sell".

    >>> print(LanguageError("unknown word 'smaa'", text="30 < smaa(20)", column=6, expected="did you mean 'sma'?"))
    rule: unknown word 'smaa' at 6; did you mean 'sma'?
    """

    def __init__(self, what: str, *, text: str = "", column: int = 0, expected: str, field: str = "rule") -> None:
        super().__init__(f"{what}{f' at {column}' if column else ''}; {expected}", field=field)
        self.what = what
        self.text = text
        self.column = column
        self.expected = expected

    def in_field(self, field: str) -> LanguageError:
        """Return the same error, of another rule."""
        return LanguageError(self.what, text=self.text, column=self.column, expected=self.expected, field=field)

    def pointed(self) -> str:
        """Return the part of the rule around the column, and a caret under it; empty where there is no column.

        >>> error = LanguageError("unexpected '='", text="price = 3", column=7, expected="write ==")
        >>> print(error.pointed())
        price = 3
              ^
        """
        if not self.column:
            return ""
        # What could move the caret, or a terminal's cursor, is shown as one plain character.
        line = "".join(c if c.isprintable() else " " if c in "\t\r\n" else "?" for c in self.text)
        start = max(0, min(self.column - 1 - SHOWN // 2, len(line) - SHOWN))
        before, after = ("… " if start else ""), (" …" if len(line) > start + SHOWN else "")
        caret = " " * (self.column - 1 - start + len(before)) + "^"
        return f"{before}{line[start : start + SHOWN].rstrip()}{after}\n{caret}"
