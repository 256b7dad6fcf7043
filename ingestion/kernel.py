"""The compiled part of reading: cut text into lines and fields, and turn the fields into integers.

Everything is read from the bytes themselves, once, without a text or a float per field: prices come out exact,
and each line has a verdict of its own. `cut` looks at a block of text alone; `assemble` adds what is known of the
whole file (which letters and symbols are good, the days, who has set a last price) and packs the trades that stand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ingestion import verdicts
from ingestion.calendar import FIRST_YEAR, LAST_YEAR
from ingestion.conditions import DROPPED, IF_FIRST, KEPT, UNKNOWN
from riskcontrol.compiling import entry, inner
from riskcontrol.money import MAX_PRICE
from riskcontrol.trades import LAST, MAX_NOTIONAL, MAX_SIZE, REGULAR

# What a column is for; the numbers are places in the kernel's table of field bounds.
OTHER, DATE, TIME, NANOS, EXCHANGE, SYMBOL, SUFFIX, CONDITION, SIZE, PRICE, CORRECTION, SEQUENCE, SOURCE = range(13)
ROLES = 13

# The rows of the table that `cut` fills, one column per line.
START, STOP, DAY, CLOCK, TICKER, LETTERS, SHARES, MICROS, NUMBER = range(9)
FACTS = 9

_KEPT, _DROPPED = KEPT, DROPPED
_SECOND = 1_000_000_000
_HOUR = 3600 * _SECOND
_HASH = np.uint64(0x9E3779B97F4A7C15)


@inner
def _number(text: Any, a: int, b: int) -> int:
    """Return the integer of these digits, or -1."""
    if a == b or b - a > 18:
        return -1
    value: Any = 0
    for i in range(a, b):
        digit = np.int64(text[i]) - 48
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value


@inner
def _price(text: Any, a: int, b: int) -> int:
    """Return micro-dollars, or minus the verdict."""
    negative = a < b and text[a] == 45
    if negative:
        a += 1
    whole: Any = 0
    fraction: Any = 0
    places = digits = 0
    dot = extra = False
    for i in range(a, b):
        digit = np.int64(text[i]) - 48
        if 0 <= digit <= 9:
            digits += 1
            if not dot:
                if whole < 10**11:
                    whole = whole * 10 + digit
            elif places < 6:
                fraction = fraction * 10 + digit
                places += 1
            elif digit:
                extra = True
        elif digit == -2 and not dot:
            dot = True
        else:
            return -verdicts.BAD_PRICE
    if digits == 0:
        return -verdicts.BAD_PRICE
    if extra:
        return -verdicts.DECIMALS
    for _ in range(6 - places):
        fraction *= 10
    micros = whole * 1_000_000 + fraction
    if negative or micros == 0:
        return -verdicts.NOT_POSITIVE
    return micros if micros <= MAX_PRICE else -verdicts.PRICE_RANGE


@inner
def _scaled(text: Any, a: int, b: int) -> int:
    """Return a decimal fraction of a second, of 0 to 9 digits, in nanoseconds, or -1."""
    if a == b:
        return 0
    value = _number(text, a, b)
    if value < 0 or b - a > 9:
        return -1
    for _ in range(9 - (b - a)):
        value *= 10
    return value


@inner
def _clock(text: Any, a: int, b: int) -> int:
    """Return nanoseconds since midnight of HHMMSS + 3, 6 or 9 digits, or of H:MM:SS[.digits], or -1."""
    hour_end = a
    while hour_end < b and text[hour_end] != 58:
        hour_end += 1
    if hour_end == b:
        if b - a != 15 and b - a != 12 and b - a != 9:
            return -1
        hour, minute, second = _number(text, a, a + 2), _number(text, a + 2, a + 4), _number(text, a + 4, a + 6)
        nanos = _scaled(text, a + 6, b)
    else:
        m = hour_end + 1
        if hour_end - a > 2 or b - m < 5 or text[m + 2] != 58 or (b - m > 5 and text[m + 5] != 46):
            return -1
        hour, minute, second = _number(text, a, hour_end), _number(text, m, m + 2), _number(text, m + 3, m + 5)
        nanos = _scaled(text, min(m + 6, b), b)
    if hour < 0 or minute < 0 or second < 0 or nanos < 0 or hour > 23 or minute > 59 or second > 59:
        return -1
    return (hour * 3600 + minute * 60 + second) * _SECOND + nanos


@inner
def _date(text: Any, a: int, b: int) -> int:
    """Return days since 1970 of YYYYMMDD or YYYY-MM-DD, or -1."""
    if b - a == 8:
        year, month, day = _number(text, a, a + 4), _number(text, a + 4, a + 6), _number(text, a + 6, b)
    elif b - a == 10 and text[a + 4] == 45 and text[a + 7] == 45:
        year, month, day = _number(text, a, a + 4), _number(text, a + 5, a + 7), _number(text, a + 8, b)
    else:
        return -1
    if year < FIRST_YEAR or year > LAST_YEAR or month < 1 or month > 12 or day < 1:
        return -1
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = (29 if leap else 28) if month == 2 else (30 if month in (4, 6, 9, 11) else 31)
    if day > last:
        return -1
    # Days of the civil calendar, with years that begin in March so that the leap day comes last.
    y = year - (1 if month <= 2 else 0)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return y * 365 + y // 4 - y // 100 + y // 400 + of_year - 719468


@inner
def _push(pair: Any, length: int, byte: int) -> int:
    """Add a byte to a key of two 64-bit words; return its new length, or -1 if it is full."""
    if length >= 16 or length < 0 or byte == 0:
        return -1
    word = length >> 3
    pair[word] |= np.uint64(byte) << np.uint64(8 * (length & 7))
    return length + 1


@inner
def _push_symbol(text: Any, a: int, b: int, pair: Any, length: int) -> int:
    """Add a symbol, with a dot where spaces part its root from its suffix."""
    gap = length > 0 and a < b
    for i in range(a, b):
        if text[i] == 32:
            gap = True
            continue
        if gap:
            length = _push(pair, length, 46)
            gap = False
        length = _push(pair, length, text[i])
    return length


@inner
def _intern(pair: Any, keys: Any, slots: Any, count: Any, seed: Any) -> int:
    """Return the number of a key, a new one where it is new, or -1 where there is no room."""
    mask = np.uint64(slots.size - 1)
    mixed = (pair[0] ^ seed) * _HASH
    mixed = (mixed ^ (mixed >> np.uint64(29)) ^ pair[1]) * _HASH
    place = (mixed ^ (mixed >> np.uint64(32))) & mask
    while True:
        known = slots[np.int64(place)]
        if known < 0:
            break
        if keys[known, 0] == pair[0] and keys[known, 1] == pair[1]:
            return known
        place = (place + np.uint64(1)) & mask
    number = count[0]
    if number == keys.shape[0]:
        return -1
    keys[number, 0], keys[number, 1] = pair[0], pair[1]
    slots[np.int64(place)] = number
    count[0] = number + 1
    return number


@inner
def _parse(text: Any, starts: Any, stops: Any, today: int, symbols: Any, conditions: Any, pair: Any, fact: Any) -> int:
    """Read the fields of one line into `fact`; return the verdict."""
    correction = _number(text, starts[CORRECTION], stops[CORRECTION])
    if correction in _DROPPED:
        return verdicts.CANCELLED
    if correction not in _KEPT or stops[CORRECTION] - starts[CORRECTION] > 2:
        return verdicts.BAD_CORRECTION

    fact[DAY] = today if today >= 0 else _date(text, starts[DATE], stops[DATE])
    if fact[DAY] < 0:
        return verdicts.BAD_DATE
    clock = _clock(text, starts[TIME], stops[TIME])
    if clock >= 0 and stops[NANOS] > starts[NANOS]:
        # WRDS splits a time into microseconds and, in a column of its own, the nanoseconds that follow.
        nanos = _number(text, starts[NANOS], stops[NANOS])
        clock = clock + nanos if 0 <= nanos <= 999 and clock % 1000 == 0 else -1
    if clock < 0:
        return verdicts.BAD_TIME
    fact[CLOCK] = clock

    pair[:] = 0
    length = _push_symbol(text, starts[SYMBOL], stops[SYMBOL], pair, 0)
    length = _push_symbol(text, starts[SUFFIX], stops[SUFFIX], pair, length)
    if length <= 0:
        return verdicts.BAD_SYMBOL
    fact[TICKER] = _intern(pair, symbols[0], symbols[1], symbols[2], symbols[3])
    if fact[TICKER] < 0:
        return verdicts.MANY_SYMBOLS

    pair[:] = 0
    length = 0
    for i in range(starts[CONDITION], stops[CONDITION]):
        length = _push(pair, length, text[i])
    if length < 0:
        return verdicts.BAD_CONDITION
    condition = _intern(pair, conditions[0], conditions[1], conditions[2], conditions[3])
    if condition < 0:
        return verdicts.MANY_SYMBOLS
    reporter = text[starts[SOURCE]] if stops[SOURCE] > starts[SOURCE] else 0
    exchange = text[starts[EXCHANGE]] if stops[EXCHANGE] > starts[EXCHANGE] else 0
    utp = reporter == 78 or (reporter != 67 and exchange == 81)
    fact[LETTERS] = 2 * condition + (1 if utp else 0)

    size = _number(text, starts[SIZE], stops[SIZE])
    price = _price(text, starts[PRICE], stops[PRICE])
    number = _number(text, starts[SEQUENCE], stops[SEQUENCE])
    if size < 0:
        return verdicts.BAD_SIZE
    if size == 0 or size > MAX_SIZE:
        return verdicts.SIZE_RANGE
    if price < 0:
        return -price
    if size > MAX_NOTIONAL // price:
        return verdicts.NOTIONAL_RANGE
    if number < 0:
        return verdicts.BAD_SEQUENCE
    fact[SHARES], fact[MICROS], fact[NUMBER] = size, price, number
    return verdicts.GOOD


@entry
def cut(
    text: Any,
    roles: Any,
    delimiter: int,
    quoted: bool,
    today: int,
    symbols: Any,
    conditions: Any,
    facts: Any,
    verdict: Any,
) -> int:
    """Cut a block of text into lines, and read each.

    Args:
        text: ``uint8[bytes]``, whole lines.
        roles: ``int8[fields of a line]``, what each column is for.
        delimiter: The byte between fields.
        quoted: Quotation marks around a field are taken off; if not, a line that begins with ``END|`` is a trailer.
        today: Days since 1970 of every line, or -1 to read each line's `DATE`.
        symbols: The file's symbols: keys ``uint64[n, 2]``, slots ``int32[2^k]``, count ``int64[1]``, seed ``uint64``.
        conditions: The file's sale conditions, likewise.
        facts: ``int64[lines or more, FACTS]``, filled.
        verdict: ``uint8[lines or more]``, filled.

    Returns:
        The number of lines.
    """
    starts, stops = np.zeros(ROLES, np.int64), np.zeros(ROLES, np.int64)
    pair = np.zeros(2, np.uint64)
    size = text.size
    position = lines = 0
    while position < size:
        fact = facts[lines]
        fact[START] = begin = position
        fields = 0
        while True:
            byte = text[position] if position < size else 10
            if byte == delimiter or byte == 10:
                if fields < roles.size:
                    role = roles[fields]
                    if role != OTHER:
                        # Blanks and quotation marks come off here, in place: a call per field took twice the time.
                        a, b = begin, position
                        while a < b and (text[a] == 32 or text[a] == 13):
                            a += 1
                        while a < b and (text[b - 1] == 32 or text[b - 1] == 13):
                            b -= 1
                        if quoted and b - a >= 2 and text[a] == 34 and text[b - 1] == 34:
                            a += 1
                            b -= 1
                        starts[role], stops[role] = a, b
                fields += 1
                begin = position + 1
                if byte == 10:
                    break
            position += 1
        start, stop = fact[START], position
        if stop > start and text[stop - 1] == 13:
            stop -= 1
        fact[STOP] = stop
        position += 1
        if start == stop:
            verdict[lines] = verdicts.BLANK
        elif (
            not quoted
            and stop - start > 4
            and text[start] == 69
            and text[start + 1] == 78
            and text[start + 2] == 68
            and text[start + 3] == 124
        ):
            verdict[lines] = verdicts.TRAILER
        elif fields != roles.size:
            verdict[lines] = verdicts.BAD_FIELDS
        else:
            verdict[lines] = _parse(text, starts, stops, today, symbols, conditions, pair, fact)
        lines += 1
    return lines


@entry
def assemble(
    facts: Any,
    verdict: Any,
    tickers: Any,
    letters: Any,
    slots: Any,
    midnights: Any,
    sessions: Any,
    led: Any,
    out: Any,
    flags: Any,
) -> int:
    """Judge the good lines by what is known of the file, and pack the trades that stand.

    Args:
        facts: What `cut` read, ``int64[lines, FACTS]``.
        verdict: What `cut` judged, ``uint8[lines]``; rejects for symbol and letters are added.
        tickers: ``bool[symbols]``, which symbols are tickers.
        letters: ``uint8[conditions × 2]``, what each condition updates, per tape.
        slots: ``int16[days since 1970]``, the row of each day in the three tables that follow.
        midnights: ``int64[rows, 24]``, as in `ingestion.calendar.Day`.
        sessions: ``int64[rows, 2]``, opening and close of each day.
        led: ``bool[rows, symbols]``, who has had a trade that set last on that day; brought up to date.
        out: ``int64[5, lines or more]``: ticker's number, time, price, size, sequence of each trade.
        flags: ``uint8[lines or more]``.

    Returns:
        The number of trades.
    """
    trades = 0
    for line in range(verdict.size):
        if verdict[line] != verdicts.GOOD:
            continue
        fact = facts[line]
        ticker = fact[TICKER]
        updates = letters[fact[LETTERS]]
        if not tickers[ticker]:
            verdict[line] = verdicts.BAD_SYMBOL
            continue
        if updates & UNKNOWN:
            verdict[line] = verdicts.BAD_LETTER
            continue
        slot = slots[fact[DAY]]
        if updates & IF_FIRST:
            updates = updates - IF_FIRST if led[slot, ticker] else updates - IF_FIRST + LAST
        if updates & LAST:
            led[slot, ticker] = True
        time = midnights[slot, fact[CLOCK] // _HOUR] + fact[CLOCK]
        if sessions[slot, 0] <= time < sessions[slot, 1]:
            updates += REGULAR
        out[0, trades] = ticker
        out[1, trades] = time
        out[2, trades] = fact[MICROS]
        out[3, trades] = fact[SHARES]
        out[4, trades] = fact[NUMBER]
        flags[trades] = updates
        trades += 1
    return trades
