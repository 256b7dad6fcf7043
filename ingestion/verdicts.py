"""What can become of a line of a trade file, by number, and how it is said."""

from __future__ import annotations

from riskcontrol.money import MAX_PRICE
from riskcontrol.trades import MAX_NOTIONAL, MAX_SIZE

# All from BAD_FIELDS on are rejects.
GOOD, CANCELLED, BLANK, TRAILER = range(4)
BAD_FIELDS, BAD_DATE, BAD_TIME, BAD_SYMBOL, MANY_SYMBOLS, BAD_CONDITION, BAD_LETTER = range(4, 11)
BAD_SIZE, SIZE_RANGE, BAD_PRICE, DECIMALS, NOT_POSITIVE, PRICE_RANGE, NOTIONAL_RANGE = range(11, 18)
BAD_CORRECTION, BAD_SEQUENCE, AFTER_TRAILER = range(18, 21)

REASONS = {
    BAD_FIELDS: "wrong number of fields",
    BAD_DATE: "unreadable date",
    BAD_TIME: "unreadable time",
    BAD_SYMBOL: "not a symbol",
    MANY_SYMBOLS: "too many different symbols or conditions in one file",
    BAD_CONDITION: "unreadable sale condition",
    BAD_LETTER: "unknown letter in the sale condition",
    BAD_SIZE: "unreadable size",
    SIZE_RANGE: f"size not between 1 and {MAX_SIZE:,}",
    BAD_PRICE: "unreadable price",
    DECIMALS: "price with more than six decimal places",
    NOT_POSITIVE: "price not above 0",
    PRICE_RANGE: f"price over {MAX_PRICE // 1_000_000:,} dollars",
    NOTIONAL_RANGE: f"price × size over {MAX_NOTIONAL // 1_000_000:,} dollars",
    BAD_CORRECTION: "unknown correction indicator",
    BAD_SEQUENCE: "unreadable sequence number",
    AFTER_TRAILER: "line after the trailer",
}
