"""The compiled loops of the simulator: one trade after the other, and one line after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskcontrol.compiling import entry, inner

# What a trade is; the prints of the auctions are set before, the others drawn.
TRADE, OPENING, OFFICIAL_OPEN, CLOSING, OFFICIAL_CLOSE = range(5)

CONDITIONS = [
    b"@   ", b"@F  ", b"@  I", b"@F I", b"@ T ", b"@FT ", b"@ TI", b"@FTI", b"@O  ", b"@  Q", b"@6  ", b"@  M",
    b"@ Z ", b"@4  ", b"@7 V", b"@  W", b"@  H", b"@  P", b"C   ", b"N   ", b"@  B", b"@ L ", b"@  X", b"@5  ", b"R   ",
    b"@ U ", b"@ UI",
]  # fmt: skip
"""The sale conditions that occur, as files write them: four places, blanks where nothing is to say."""

# Places in it: odd lots, extended hours and the auctions' prints each begin a group; of the rare ones, those out of
# line don't set the last price (but where nothing has set it yet); late sales occur in extended hours.
_SWEEP, _ODD, _EXTENDED, _PRINTS, _OUT_OF_LINE, _IN_LINE, _LATE_SALE = 1, 2, 4, 8, 12, 20, 25

EXCHANGES = np.frombuffer(b"DQPZNKBJYX", np.uint8)
"""The exchanges' letters, the busiest first; D are trades off exchange."""
# Correction codes: a trade later cancelled, found erroneous or corrected, and the record that follows each.
_LATER = np.array([8, 7, 1], np.uint8)
_FOLLOWS = np.array([10, 11, 12], np.uint8)
MOST_OPEN = 4_096


LINE_BYTES = 128
"""More than any line takes."""

_BAR = ord("|")


@entry
def simulate(
    time: Any,
    ticker: Any,
    kind: Any,
    chance: Any,
    normal: Any,
    session: tuple[int, int],
    log_price: Any,
    step: Any,
    spread: Any,
    dear: Any,
    listing: Any,
    expected: Any,
    auction: Any,
    opened: Any,
    counts: Any,
    lag: int,
    trades: int,
    price: Any,
    size: Any,
    condition: Any,
    exchange: Any,
    correction: Any,
) -> None:
    """Fill in price, size, condition, exchange and correction of each trade, in order.

    `counts` holds, from call to call: trades drawn so far, and the first and the next place of the ring `opened`.
    """
    last = -1
    for i in range(len(time)):
        k = ticker[i]
        if kind[i] != TRADE:
            closing = kind[i] >= CLOSING
            if kind[i] == OPENING or kind[i] == CLOSING:
                auction[k, 0] = max(1, np.int64(np.round(np.exp(log_price[k]))))
                share = 0.06 if closing else 0.015
                auction[k, 1] = 10 if dear[k] else 100 * np.int64(1 + expected[k] * share)
            price[i], size[i] = auction[k, 0], auction[k, 1]
            condition[i] = _PRINTS + kind[i] - 1
            exchange[i] = listing[k]
            last = -1
            continue
        drawn = counts[0]
        counts[0] += 1
        if counts[1] < counts[2] and opened[counts[1] % MOST_OPEN, 0] <= drawn:
            held = opened[counts[1] % MOST_OPEN]
            counts[1] += 1
            ticker[i] = held[1]
            price[i], size[i], condition[i] = held[2], held[3], held[4]
            exchange[i] = held[5] >> 8
            correction[i] = held[5] & 255
            last = -1
            continue
        u = chance[i]
        # A sweep takes several orders at once: the next trade is often another of the same ticker, at the same time.
        burst = last >= 0 and u[0] < 0.35
        if burst:
            k = ticker[i] = ticker[last]
            time[i] = time[last]
        regular = session[0] <= time[i] < session[1]
        log_price[k] += step[k] * normal[i]
        middle = np.exp(log_price[k])
        at = middle + (spread[k] if u[1] < 0.5 else -spread[k])
        sweep = u[2] < 0.27
        odd = dear[k] or u[3] < 0.25
        if odd:
            size[i] = 1 + np.int64(u[4] * (9 if dear[k] else 99))
        elif u[4] < 0.7:
            size[i] = 100
        else:
            size[i] = 100 * np.int64(min(60.0, 2 / (1 - (u[4] - 0.7) / 0.3)))
        code = _ODD * odd + _SWEEP * sweep
        if not regular:
            code += _EXTENDED
            if u[0] > 0.99:
                code = _LATE_SALE + odd
                at *= 0.98 + 0.04 * u[1]
        elif u[0] > 0.988 and not odd:
            kinds = _LATE_SALE - _OUT_OF_LINE
            code = _OUT_OF_LINE + np.int64((u[0] - 0.988) / 0.012 * kinds) % kinds
            if code < _IN_LINE:
                at *= 0.985 + 0.03 * u[1]
        last = i if (sweep and code < _PRINTS) else -1
        price[i] = max(1, np.int64(np.round(at)))
        condition[i] = code
        if 0.5 < u[0] < 0.5013 and drawn + 2 * lag + 64 < trades and counts[2] - counts[1] < MOST_OPEN:
            which = 0 if u[0] < 0.5005 else (1 if u[0] < 0.5008 else 2)
            if which < 2 and u[3] > 0.5:  # a slip of a digit, in many of those taken back
                price[i] = price[i] * 10 if u[4] < 0.5 else max(1, price[i] // 10)
            held = opened[counts[2] % MOST_OPEN]
            counts[2] += 1
            held[0], held[1], held[2], held[3], held[4] = drawn + lag, k, price[i], size[i], code
            held[5] = (np.int64(exchange[i]) << 8) + _FOLLOWS[which]
            correction[i] = _LATER[which]


@entry
def write(
    into: Any,
    time: Any,
    symbol: Any,
    symbol_length: Any,
    ticker: Any,
    price: Any,
    size: Any,
    conditions: Any,
    condition: Any,
    exchange: Any,
    correction: Any,
    source: Any,
    exempt: Any,
    sequence: int,
) -> int:
    """Write the lines of trades; return how many bytes they take.

    Args:
        into: Bytes, room for `LINE_BYTES` a trade.
        time: Nanoseconds after midnight.
        symbol: Symbols, one row of bytes each.
        symbol_length: Their lengths.
        ticker: Row of `symbol`.
        price: Cents.
        size: Shares.
        conditions: Sale conditions, one row of four bytes each.
        condition: Row of `conditions`.
        exchange: A letter.
        correction: Correction code.
        source: For each symbol, the letter of its tape.
        exempt: For each condition, whether it is exempt from the trade-through rule.
        sequence: Sequence number of the first.
    """
    at = 0
    for i in range(len(time)):
        seconds = time[i] // 1_000_000_000
        clock = (seconds // 3600 * 10_000 + seconds // 60 % 60 * 100 + seconds % 60) * 1_000_000_000
        clock += time[i] % 1_000_000_000
        for place in range(14, -1, -1):
            into[at + place] = 48 + clock % 10
            clock //= 10
        at += 15
        into[at] = _BAR
        into[at + 1] = exchange[i]
        into[at + 2] = _BAR
        at += 3
        for place in range(symbol_length[ticker[i]]):
            into[at] = symbol[ticker[i], place]
            at += 1
        into[at] = _BAR
        at += 1
        for place in range(4):
            into[at] = conditions[condition[i], place]
            at += 1
        into[at] = _BAR
        at = _number(into, at + 1, size[i])
        into[at] = _BAR
        at = _number(into, at + 1, price[i] // 100)
        cents = price[i] % 100
        if cents:
            into[at] = 46
            into[at + 1] = 48 + cents // 10
            at += 2
            if cents % 10:
                into[at] = 48 + cents % 10
                at += 1
        into[at] = _BAR
        into[at + 1] = _BAR
        into[at + 2] = 48 + correction[i] // 10
        into[at + 3] = 48 + correction[i] % 10
        into[at + 4] = _BAR
        at = _number(into, at + 5, sequence + i)
        into[at] = _BAR
        into[at + 1] = _BAR
        into[at + 2] = source[ticker[i]]
        into[at + 3] = into[at + 4] = into[at + 5] = into[at + 6] = _BAR
        into[at + 7] = 48 + exempt[condition[i]]
        into[at + 8] = 10
        at += 9
    return at


@inner
def _number(into: Any, at: int, value: int) -> int:
    """Write a number; return where it ends."""
    digits = 1
    rest = value // 10
    while rest:
        rest //= 10
        digits += 1
    end = at + digits
    for place in range(end - 1, at - 1, -1):
        into[place] = 48 + value % 10
        value //= 10
    return end
